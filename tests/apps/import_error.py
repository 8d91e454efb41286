"""An app that fails while it is imported."""

import no_such_module_anywhere

application = None
