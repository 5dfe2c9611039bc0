"""``python -m fauxface`` is ``fauxface``."""

import sys

from fauxface.cli import main

sys.exit(main())
