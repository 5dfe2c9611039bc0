"""From nothing to a detector: render faces, train on them, measure the error on faces that it has not seen.

Run it: python examples/train_tiny.py OUT
With the sizes below it takes a few minutes, and the network learns little. A useful detector takes about 4,000 faces of
192 pixels and 400,000 samples.
"""

import sys
from pathlib import Path

from fauxface import TrainingConfig, evaluate, render_dataset, train


def main(out: Path, count: int = 200, size: int = 128, samples: int = 4000) -> None:
    """Fill the folder ``out``: faces to learn from, faces to test on, and the trained run.

    Args:
        out: folder for everything. If it is called again, renders and training continue where they stopped.
        count: faces to learn from.
        size: height and width of the rendered pictures, pixels.
        samples: faces that the training sees in all, including repeats.
    """
    # Another seed renders other people: nobody in held_out is also in faces.
    render_dataset(out / "faces", count, seed=1, size=size)
    render_dataset(out / "held_out", count // 10, seed=2, size=size)

    run = train(
        TrainingConfig(
            data=out / "faces",
            val_data=out / "held_out",
            out=out / "run",
            model="mobilenetv3small-pip",
            augment="strong",  # strongly changed pictures, so that it also works on photographs
            samples=samples,
            resume=True,
        )
    )

    scores = evaluate(run, out / "held_out").as_json()
    print(f"mean error: {scores['nme']} % of the distance between the outer eye corners, {scores['n']} faces")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
