"""`python -m recommendations`."""

from recommendations.entry import main

raise SystemExit(main())
