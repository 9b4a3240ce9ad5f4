package flags

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// A given flag must have a value in any notation. Missing flags, defaults and arguments are not checked.
func TestCheck(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"verb", ""}, {"verb --want read", ""}, {"verb --want=", "--want is empty"}, {"verb -w _", "--want is empty"},
		{"verb --want _", "--want is empty"}, {"verb --list a --list b", ""}, {"verb --list _", "--list is empty"},
		{"verb --list a,,b", "--list is empty"}, {"verb --point _", "--point is empty"}, {"verb --point x", ""},
		{"verb --count 0 --on", ""}, {"verb _", ""}, {"--top _ verb", "--top is empty"}, {"verb --kind _", "--kind"},
	} {
		var cli struct {
			Top  string
			Verb struct {
				Want  string `short:"w"`
				Kind  string `default:"file"`
				List  []string
				Point *string
				Count int
				On    bool
				Arg   string `arg:"" optional:""`
			} `cmd:""`
		}
		parser, err := kong.New(&cli)
		if err != nil {
			t.Fatal(err)
		}
		args := strings.Fields(c.line)
		for i := range args {
			if args[i] == "_" {
				args[i] = ""
			}
		}
		ctx, err := parser.Parse(args)
		if err != nil {
			t.Fatalf("%q: %v", args, err)
		}
		if err := RefuseEmpty(ctx); (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", args, err, c.want)
		}
	}
}
