"""The gradient debugger, what pdb is to a program: it stops in the backward pass, and in the forward pass.

Read in this order: the state and what can be said about it (`state`, `conditions`, `breakpoints`), the session and its
commands (`session`, `commands`, `quiz`), what is shown (`lines`, `neighbourhood`), and the front ends, which add
nothing but keys and colours: `prompt`, `screen` (the full screen, with textual; its parts are `graph_panel`, `panels`,
`command_line` and `help_screen`), `script`.
"""
