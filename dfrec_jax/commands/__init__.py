"""The subcommands of `dfrec`, a file each: `add_parser` and what it runs."""
