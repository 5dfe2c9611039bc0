"""A folder as model hubs show it: a checkpoint's files, and a README.md whose first lines the hub reads."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from fauxface.checkpoint import CARD_FILE, ONNX_FILE, WEIGHTS_FILE, Card, find_checkpoint, read_card
from fauxface.files import write_text
from fauxface.models.names import ONE_STAGE
from fauxface.outputs import filled_folder

README = "README.md"


def export_hub_folder(checkpoint: str | Path, folder: Path) -> Path:
    """Fill ``folder`` with the checkpoint's card, weights and ONNX file, and a README.md; return it.

    It may be new, empty, or wholly from an earlier export. The checkpoint's own ``model.onnx`` is taken where there is
    one, else it is exported. Errors of `load_network` and `filled_folder`.
    """
    source, card = find_checkpoint(checkpoint), read_card(checkpoint)
    with filled_folder(folder, "export", [source]) as staging:
        for name in (CARD_FILE, WEIGHTS_FILE):
            shutil.copyfile(source / name, staging / name)
        if (source / ONNX_FILE).is_file():
            shutil.copyfile(source / ONNX_FILE, staging / ONNX_FILE)
        else:
            from fauxface.export.file import export

            export(checkpoint, staging / ONNX_FILE)
        name = source.parent.name if source.name == "checkpoint" else source.name
        write_text(staging / README, hub_readme(name, card))
    return folder


def hub_readme(name: str, card: Card) -> str:
    """The README.md of a checkpoint called ``name``: a header in YAML for the hub, and text for people."""
    header = yaml.safe_dump(_header(name, card), sort_keys=False, allow_unicode=True)
    detector = card.model == ONE_STAGE
    call = f'Landmarker.load(detector="{name}")' if detector else 'Landmarker.load("hf://OWNER/NAME")'
    kind = "faces and their landmarks" if detector else "facial landmarks"
    origin = (
        "All faces were learned from Fauxface's own renders; no photograph of a person was learned from."
        if card.lane == "clean"
        else "For research only: it was made with data or weights under other terms; `model.yaml` says which."
    )
    text = f"""
# {name}

{card.model}, {card.input_size} px, finds {kind} ({card.scheme}). {origin}
Licence of the weights: {card.licence}

```python
from fauxface import Landmarker  # pip install fauxface huggingface-hub

for face in {call}("photo.jpg"):
    print(face.box, face.landmarks)
```

{_table(card)}`model.yaml` holds settings, data and versions of the training; `model.onnx` also runs without Fauxface.
"""
    return f"---\n{header}---\n{text}"


def _header(name: str, card: Card) -> dict[str, Any]:
    clean = card.licence == "Apache-2.0"
    licence = {"license": "apache-2.0"} if clean else {"license": "other", "license_name": "research-only"}
    results = [
        {
            "task": {"type": "keypoint-detection", "name": "Facial landmarks"},
            "dataset": {"type": test, "name": test.replace("_", ", ")},
            "metrics": [{"type": "nme", "name": "NME, %", "value": scores["nme"]}],
        }
        for test, scores in _scored(card)
    ]
    return {
        **licence,
        "library_name": "fauxface",
        "pipeline_tag": "keypoint-detection",
        "tags": ["facial-landmarks", "face-alignment", "synthetic-data", "onnx", card.scheme, card.model],
        **({"metrics": ["nme"], "model-index": [{"name": name, "results": results}]} if results else {}),
    }


def _scored(card: Card) -> list[tuple[str, dict[str, Any]]]:
    """Names of the tests with an NME on the card, and their scores."""
    return [(str(test), one) for test, one in card.scores.items() if isinstance(one, dict) and _number(one.get("nme"))]


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _table(card: Card) -> str:
    rows = [f"| {test.replace('_', ', ')} | {one.get('n', '')} | {one['nme']:.2f} |" for test, one in _scored(card)]
    head = "| test | faces | NME, % of the distance between the outer eye corners |\n| --- | --- | --- |\n"
    return head + "\n".join(rows) + "\n\n" if rows else ""
