// Package flags rejects meaningless flag values on a command line, and prints the help pages of all programs alike.
//
//	parser, err := kong.New(&cli, flags.Options())
//	ctx, err := parser.Parse(args)
//	if err == nil {
//		err = flags.CheckValues(ctx)
//	}
//	if err != nil {
//		err = fmt.Errorf("%w; see %s", flags.Explain(err), flags.HelpFor(parser, args))
//	}
//
// The package has no types and no state.
package flags

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// Options returns the kong option that all programs share. It formats help pages, and takes the text of arguments as it
// is, also if it is not UTF-8. A list of files needs the tag sep:"none", because kong splits other lists at commas. A
// page is as wide as the terminal, at most 100 columns, and 80 columns in a pipe. The option appends a flag's default
// to its text unless the text has it already. A flag without a placeholder shows its name in capitals, never its
// default or its Go type. Place this option after every option that replaces texts of flags.
func Options() kong.Option {
	return kong.OptionFunc(func(k *kong.Kong) error {
		format := kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100, NoExpandSubcommands: true})
		pages := kong.PostBuild(func(k *kong.Kong) error {
			return kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
				if f, ok := node.(*kong.Flag); ok {
					describe(f)
				}
				return next(nil)
			})
		})
		// By default kong converts text to JSON and back, which changes a name in Latin-1 to the name of another file.
		verbatim := kong.KindMapper(reflect.String, kong.MapperFunc(func(ctx *kong.DecodeContext, to reflect.Value) error {
			word, err := ctx.Scan.PopValue("string")
			if err == nil {
				to.SetString(word.String())
			}
			return err
		}))
		for _, o := range []kong.Option{format, pages, verbatim} {
			if err := o.Apply(k); err != nil {
				return err
			}
		}
		return nil
	})
}

// describe adds the default to the text of a flag, and gives its value a name. A negatable flag that is on by default
// has the default yes. A help text that names its default stays unchanged.
func describe(f *kong.Flag) {
	byDefault := f.Default
	switch {
	case f.IsBool() && byDefault == "true":
		byDefault = "yes"
	case f.IsBool():
		byDefault = ""
	case f.PlaceHolder == "":
		f.PlaceHolder = strings.ToUpper(f.Name)
	}
	if byDefault != "" && !strings.Contains(f.Help, "default") && !strings.Contains(f.Help, "("+byDefault+")") {
		f.Help += " Default: " + byDefault + "."
	}
}

// Explain returns the error of a command line. It replaces the parser's message about a last flag whose value is
// missing.
func Explain(err error) error {
	flag, want, _ := strings.Cut(err.Error(), ": ")
	missing := strings.HasSuffix(want, `"EOL" (<EOL>)`) || strings.HasPrefix(want, "missing value")
	if strings.HasPrefix(flag, "--") && missing {
		return fmt.Errorf("%s needs a value", flag)
	}
	return err
}

// HelpFor returns the command that prints the help page for a command line, for example "refmon acl --help". It names
// the innermost command in args, or only the program if args name no command. It skips arguments that begin with "-".
func HelpFor(parser *kong.Kong, args []string) string {
	node := parser.Model.Node
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") {
			continue
		}
		i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == arg })
		if i < 0 {
			break
		}
		node = node.Children[i]
	}
	return node.FullPath() + " --help"
}

// CheckValues returns an error that names the first flag or argument with an empty text, or with an empty element in
// its list, the first flag with a time that is not above zero, or the first flag with one value that the line gives
// twice. It checks what the line gives, not the defaults. A script writes --want "$RIGHT" with a variable that is not
// set: without this check the question would be about everything. A switch, which has no value, may be repeated.
func CheckValues(ctx *kong.Context) error {
	given := map[*kong.Value]bool{}
	for _, p := range ctx.Path {
		if p.Flag != nil && !p.Flag.IsCumulative() && !p.Flag.IsBool() {
			if given[p.Flag.Value] {
				return fmt.Errorf("--%s is given twice: it takes one value", p.Flag.Name)
			}
			given[p.Flag.Value] = true
		}
		if p.Flag != nil && empty(p.Flag.Target) {
			return fmt.Errorf("--%s is empty: give a value, or omit the flag", p.Flag.Name)
		}
		if p.Flag != nil {
			if d, ok := p.Flag.Target.Interface().(time.Duration); ok && d <= 0 {
				return fmt.Errorf("--%s is %v: give a time above zero, or omit the flag", p.Flag.Name, d)
			}
		}
		if p.Positional != nil && empty(p.Positional.Target) {
			return fmt.Errorf("the argument <%s> is empty", p.Positional.Name)
		}
	}
	return nil
}

// empty reports whether v is an empty string, an empty list, or a list with an empty element. A nil pointer and any
// other type are not empty.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		return v.Len() == 0
	case reflect.Pointer:
		return empty(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			if empty(v.Index(i)) {
				return true
			}
		}
		return v.Len() == 0
	}
	return false
}
