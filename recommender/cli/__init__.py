"""The command line `recommend`.

- `start`: The entry point of the console script.
- `main`: The command group, which loads verbs on demand, and reports errors.
- `commands`: The default command, which recommends for a dataset, and the verb `recommend profile`.
- `options`: Options of a request, which several verbs take.
- `command_defaults`: Default options from the project's settings file.
- `completion`: The verb `recommend completion`: shell completion.
- `signals`: Ctrl-C, SIGTERM and SIGHUP as KeyboardInterrupt.
- `welcome`: The text that `recommend` prints without arguments.
"""
