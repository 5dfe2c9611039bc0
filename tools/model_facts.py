"""Write ``fauxface/models/facts.json``, the sizes and costs that `fauxface models` shows.

    python tools/model_facts.py

Run it after a change of the listed models; a test compares the file with the models.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from fauxface.files import write_text
from fauxface.models.listing import FACTS
from fauxface.models.table import describe_all


def main() -> None:
    rows = [json.dumps(asdict(facts), ensure_ascii=False) for facts in describe_all()]
    write_text(FACTS, "[\n" + ",\n".join(f"  {row}" for row in rows) + "\n]\n")


if __name__ == "__main__":
    main()
