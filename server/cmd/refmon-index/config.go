package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/refmon/refmon/internal/cli/configfile"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/strictyaml"
)

// configured has the flag of commands that read their flags from a file.
type configured struct {
	Config string `help:"Read flags from this YAML file, as NAME: VALUE." placeholder:"FILE"`
}

// withConfig returns args with --config replaced by the flags of its file. These flags come after the command and
// before the other flags. A flag with one value that args give too replaces the flag of the file.
//
//   - Without --config, or with an unknown command, args is unchanged.
//   - A second --config is an error.
//   - A key that is not a flag of the command is an error with its line.
func withConfig(parser *kong.Kong, args []string) ([]string, error) {
	file, rest, err := configFile(args)
	if file == "" || err != nil {
		return args, err
	}
	at := slices.IndexFunc(parser.Model.Children, func(n *kong.Node) bool { return n.Name == args[0] })
	if at < 0 {
		return args, nil // the parser reports the unknown command
	}
	text, err := configfile.Read(file)
	if err != nil {
		return nil, err
	}
	flags, err := parseConfig(text, parser.Model.Children[at])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	flags = slices.DeleteFunc(flags, func(flag string) bool {
		name, _, _ := strings.Cut(flag, "=")
		i := slices.IndexFunc(parser.Model.Children[at].Flags, func(f *kong.Flag) bool { return "--"+f.Name == name })
		return !parser.Model.Children[at].Flags[i].IsCumulative() && slices.ContainsFunc(rest, func(arg string) bool {
			return arg == name || strings.HasPrefix(arg, name+"=")
		})
	})
	return slices.Concat(args[:1], flags, rest), nil
}

// configFile returns the value of --config on a command line, "" if there is none. rest has the arguments after the
// command, without that flag. A second --config and an empty value are errors. A --config at the end without a value
// stays in rest.
func configFile(args []string) (file string, rest []string, err error) {
	for i := 1; i < len(args); i++ {
		value, found := strings.CutPrefix(args[i], "--config=")
		if args[i] == "--config" && i+1 < len(args) {
			i++
			value, found = args[i], true
		}
		switch {
		case !found:
			rest = append(rest, args[i])
		case file != "" || value == "":
			return "", nil, errors.New("--config: want one file")
		default:
			file = value
		}
	}
	return file, rest, nil
}

// parseConfig converts a YAML file to flags of a command. A list gives one flag for each element. An unknown flag,
// config and help are errors with their line. The flags are in the order of the file. An empty list gives no flag.
func parseConfig(file []byte, command *kong.Node) (out []string, err error) {
	text, marks, err := strictyaml.JSON(file)
	if err != nil {
		return nil, err
	}
	r := strict.Reader{Scanner: strict.Scanner{Bytes: text}}
	err = r.Map(func(name string) error {
		i := slices.IndexFunc(command.Flags, func(f *kong.Flag) bool { return f.Name == name })
		if i < 0 || name == "config" {
			return r.Fail("the command %s has no flag --%s", command.Name, name)
		}
		raw, err := r.Raw()
		if err != nil {
			return err
		}
		list := []json.RawMessage{raw}
		if raw[0] == '[' {
			list = nil
			if err := json.Unmarshal(raw, &list); err != nil {
				return err
			}
		}
		for _, v := range list {
			out = append(out, "--"+name+"="+scalar(v))
		}
		return nil
	})
	if err == nil {
		err = r.Done()
	}
	return out, strict.Locate(text, marks, err)
}

// scalar converts a JSON value to the value of a flag: the text of a string, and another value as it is written. null
// is "null".
func scalar(v json.RawMessage) string {
	var text string
	if json.Unmarshal(v, &text) == nil && string(v) != "null" {
		return text
	}
	return string(v)
}
