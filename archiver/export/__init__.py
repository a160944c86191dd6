"""One lead, one package: everything with it, in a form that plays anywhere and proves itself."""
