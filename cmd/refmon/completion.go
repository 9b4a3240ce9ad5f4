package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCmd holds the arguments of refmon completion.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help returns the text that --help shows above the flags.
func (completionCmd) Help() string {
	return `Prints a script that completes refmon's verbs, flags and fixed values with the Tab key.
To use it in this shell:

  source <(refmon completion bash)
  source <(refmon completion zsh)
  refmon completion fish | source

To use it in every shell, add that line to ~/.bashrc, to ~/.zshrc after compinit, or to ~/.config/fish/config.fish.`
}

// Run writes the completion script of the named shell. zsh gets that of bash with a line before it. Any other shell
// gets that of bash.
func (c completionCmd) Run(std *streams, parser *kong.Kong) error {
	m := newCompletionModel(parser.Model)
	switch c.Shell {
	case "zsh":
		fmt.Fprintln(std.out, "autoload -U +X bashcompinit && bashcompinit")
		return m.writeBash(std.out)
	case "fish":
		return m.writeFish(std.out)
	}
	return m.writeBash(std.out)
}

// completionModel holds the words of a command line. A path is the commands so far, each after a space: "" for refmon
// itself, " acl get" for a subcommand. Immutable once built.
type completionModel struct {
	program string
	help    map[string]string   // path to its one-line help
	words   map[string][]string // path to verbs and the fixed values of its arguments
	flags   map[string][]string // path to its flags, with their dashes
	values  map[string][]string // path and flag to the flag's fixed values
}

// newCompletionModel returns the model of an application without hidden commands and flags.
func newCompletionModel(app *kong.Application) *completionModel {
	m := &completionModel{program: app.Name, help: map[string]string{}, words: map[string][]string{},
		flags: map[string][]string{}, values: map[string][]string{}}
	m.add("", app.Node)
	return m
}

// add adds a node with its words and flags under its path, then its children. It leaves hidden commands out.
func (m *completionModel) add(path string, n *kong.Node) {
	m.help[path], m.words[path], m.flags[path] = n.Help, nil, nil
	for _, arg := range n.Positional {
		m.words[path] = append(m.words[path], fixedValues(arg)...)
	}
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			names := []string{"--" + f.Name}
			if f.Short != 0 {
				names = append(names, "-"+string(f.Short))
			}
			m.flags[path] = append(m.flags[path], names...)
			for _, name := range names {
				if v := fixedValues(f.Value); v != nil {
					m.values[path+" "+name] = v
				}
			}
		}
	}
	for _, child := range n.Children {
		if child.Type == kong.CommandNode && !child.Hidden {
			m.words[path] = append(m.words[path], child.Name)
			m.add(path+" "+child.Name, child)
		}
	}
}

// fixedValues returns the possible values of an argument or a flag, nil if any value is possible.
func fixedValues(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	return slices.DeleteFunc(v.EnumSlice(), func(s string) bool { return s == "" })
}

// writeBash writes a script for bash, which zsh can run too. Names and values consist of letters, digits, dots and
// dashes, so they need no quoting.
func (m *completionModel) writeBash(w io.Writer) error {
	var b strings.Builder
	cases := func(of map[string][]string) {
		for _, key := range slices.Sorted(maps.Keys(of)) {
			if len(of[key]) > 0 {
				fmt.Fprintf(&b, "\t'%s') choices='%s' ;;\n", key, strings.Join(of[key], " "))
			}
		}
	}
	paths := slices.Sorted(maps.Keys(m.help))[1:] // without the first, "", which is the program's own help
	fmt.Fprintf(&b, `_%[1]s() {
	local word=${COMP_WORDS[COMP_CWORD]} at= choices= i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case "$at ${COMP_WORDS[i]}" in
		'%[2]s') at="$at ${COMP_WORDS[i]}" ;;
		esac
	done
	case "$at ${COMP_WORDS[COMP_CWORD-1]}" in
`, m.program, strings.Join(paths, "'|'"))
	cases(m.values)
	b.WriteString("\tesac\n\tif [[ -z $choices && $word == -* ]]; then\n\tcase \"$at\" in\n")
	cases(m.flags)
	b.WriteString("\tesac\n\telif [[ -z $choices ]]; then\n\tcase \"$at\" in\n")
	cases(m.words)
	b.WriteString("\tesac\n\tfi\n\tCOMPREPLY=($(compgen -W \"$choices\" -- \"$word\"))\n}\n")
	fmt.Fprintf(&b, "complete -o default -F _%[1]s %[1]s\n", m.program)
	_, err := io.WriteString(w, b.String())
	return err
}

// writeFish writes the completion script for fish. It returns the error of w.
func (m *completionModel) writeFish(w io.Writer) error {
	var b strings.Builder
	paths := slices.Sorted(maps.Keys(m.help))
	fmt.Fprintf(&b, `function __%[1]s_at
	set -l at ''
	for word in (commandline -opc)[2..]
		if contains -- "$at $word" '%[2]s'
			set at "$at $word"
		end
	end
	test "$at" = "$argv"
end
`, m.program, strings.Join(paths[1:], "' '"))
	for _, path := range paths {
		at := fmt.Sprintf("complete -c %[1]s -n '__%[1]s_at \"%[2]s\"'", m.program, path)
		for _, word := range m.words[path] {
			fmt.Fprintf(&b, "%s -a %s -d '%s'\n", at, word, strings.ReplaceAll(m.help[path+" "+word], "'", `\'`))
		}
		for _, flag := range m.flags[path] {
			name, kind := strings.TrimLeft(flag, "-"), "-s"
			if strings.HasPrefix(flag, "--") {
				kind = "-l"
			}
			fmt.Fprintf(&b, "%s %s %s", at, kind, name)
			if v := m.values[path+" "+flag]; v != nil {
				fmt.Fprintf(&b, " -xa '%s'", strings.Join(v, " "))
			}
			b.WriteString("\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
