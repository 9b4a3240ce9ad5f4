package flags

import (
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/refmon/refmon/internal/test/check"
)

// A given flag or argument must have a value in any notation, a time must be above zero, and only a list or a switch
// may be repeated. Missing flags and defaults are not checked.
func TestMeaninglessFlagValueIsRejected(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"verb", ""}, {"verb --want read", ""}, {"verb --want=", "--want is empty"}, {"verb -w _", "--want is empty"},
		{"verb --want _", "--want is empty"}, {"verb --list a --list b", ""}, {"verb --list _", "--list is empty"},
		{"verb --list a,,b", "--list is empty"}, {"verb --point _", "--point is empty"}, {"verb --point x", ""},
		{"verb --count 0 --on", ""}, {"verb _", "the argument <arg> is empty"},
		{"--top _ verb", "--top is empty"}, {"verb --kind _", "--kind"}, {"verb --wait 1ns", ""},
		{"verb --wait 0s", "--wait is 0s"}, {"verb --wait=-5s", "--wait is -5s"},
		{"verb --want a --want b", "--want is given twice"}, {"verb -w a --want=a", "--want is given twice"},
		{"--top a verb --top b", "--top is given twice"}, {"verb --on --on", ""}, {"verb --want a --kind b", ""},
	} {
		var cli struct {
			Top  string
			Verb struct {
				Want  string `short:"w"`
				Kind  string `default:"file"`
				List  []string
				Point *string
				Count int
				Wait  time.Duration
				On    bool
				Arg   string `arg:"" optional:""`
			} `cmd:""`
		}
		parser := check.Must(kong.New(&cli))
		args := strings.Fields(c.line)
		for i := range args {
			if args[i] == "_" {
				args[i] = ""
			}
		}
		ctx, err := parser.Parse(args)
		check.RequireThat(t, err == nil, "%q: %v", args, err)
		if err := CheckValues(ctx); (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", args, err, c.want)
		}
	}
}

// TestHelpPagesShowDefaults checks that a flag's text ends with its default, once, and that its value has a name.
func TestHelpPagesShowDefaults(t *testing.T) {
	var cli struct {
		Kind   string `default:"file" help:"The type."`
		Place  string `default:"/tmp" help:"The folder, by default /tmp." placeholder:"DIR"`
		Name   string `default:"user.NTACL" help:"The attribute (user.NTACL)."`
		Follow bool   `default:"true" negatable:"" help:"Wait."`
		Quiet  bool   `help:"Print less."`
		Size   int    `help:"The size."`
	}
	parser := check.Must(kong.New(&cli, Options()))
	want := []string{"--kind=KIND: The type. Default: file.", "--place=DIR: The folder, by default /tmp.",
		"--name=NAME: The attribute (user.NTACL).",
		"--follow: Wait. Default: yes.", "--quiet: Print less.", "--size=SIZE: The size."}
	for i, f := range parser.Model.Flags[1:] { // the first one is --help
		check.Equal(t, f.String()+": "+f.Help, want[i], "flag %d", i+1)
	}
}

// TestArgumentsThatAreNotUTF8AreKept checks that each kind of text gets the bytes of the command line, because a file
// may have a name in Latin-1.
func TestArgumentsThatAreNotUTF8AreKept(t *testing.T) {
	type name string
	var cli struct {
		Flag    string
		Named   name
		Pointer *string
		List    []string `sep:"none"`
		Paths   []string `arg:""`
	}
	const latin = "b\xfcro"
	_, err := check.Must(kong.New(&cli, Options())).Parse([]string{"--flag", latin, "--named=" + latin, "--pointer", latin,
		"--list", latin, latin, latin})
	check.NoError(t, err)
	for i, got := range append(cli.Paths, cli.Flag, string(cli.Named), *cli.Pointer, cli.List[0]) {
		check.Equal(t, got, latin, "text %d", i)
	}
}

// TestHelpForNamesInnermostCommand checks which help page an error refers to.
func TestHelpForNamesInnermostCommand(t *testing.T) {
	var cli struct {
		Top struct {
			Inner struct {
				Arg string `arg:"" optional:""`
			} `cmd:""`
		} `cmd:""`
	}
	var page strings.Builder
	parser := check.Must(kong.New(&cli, kong.Name("prog"), Options(), kong.Writers(&page, &page),
		kong.Exit(func(int) {})))
	_, _ = parser.Parse([]string{"--help"}) // Exit returns, so that it parses on
	check.That(t, strings.Contains(page.String(), "\n  top\n"), "page without the command top:\n%s", page.String())
	for line, want := range map[string]string{
		"": "prog --help", "nosuch top": "prog --help", "--bad": "prog --help", "top": "prog top --help",
		"top --bad inner x": "prog top inner --help", "top nosuch inner": "prog top --help",
	} {
		check.Equal(t, HelpFor(parser, strings.Fields(line)), want, "HelpFor(%q)", line)
	}
}

// TestMissingValueIsExplained checks that a last flag without its value is named, whatever its type.
func TestMissingValueIsExplained(t *testing.T) {
	var cli struct {
		Name string
		N    int
		List []string
	}
	parser := check.Must(kong.New(&cli))
	for _, flag := range []string{"--name", "--n", "--list"} {
		if _, err := parser.Parse([]string{flag}); err == nil || Explain(err).Error() != flag+" needs a value" {
			t.Errorf("%s without a value: %v", flag, err)
		}
	}
	_, err := parser.Parse([]string{"--n", "x"})
	check.Equal(t, Explain(err), err, "the error of a wrong value")
}
