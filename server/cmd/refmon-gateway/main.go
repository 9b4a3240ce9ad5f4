// Command refmon-gateway serves the trees of refmond over HTTPS. It runs as an ordinary user
// without a right on any file. `refmon-gateway --help` lists its commands.
//
// The exit code is 0 on success and 2 for failures and malformed command lines.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"github.com/refmon/refmon/internal/cli/configfile"
	"github.com/refmon/refmon/internal/cli/flags"
	"github.com/refmon/refmon/internal/printable"
)

// cli is the command line.
type cli struct {
	Serve  serveCmd           `cmd:"" help:"Serve the trees until SIGTERM or SIGINT."`
	Config configfile.Command `cmd:"" help:"Check a configuration file, or print one with explanations."`

	Version versionCmd `cmd:"" help:"Print the version."`
}

const description = `refmon-gateway serves the trees of refmond to browsers and WebDAV clients, each with
the rights of its user. It runs as its own user without rights on files. See docs/gateway.md.`

// Exit codes, the same as refmond's.
const (
	exitSuccess   = 0
	exitMalformed = 2
)

// streams has the outputs of a command. Immutable.
type streams struct {
	out, err io.Writer
}

func main() {
	os.Exit(run(context.Background(), os.Args[1:], &streams{out: os.Stdout, err: os.Stderr}))
}

// run parses and runs one command line, without the program name, and returns the exit code. It prints errors to
// std.err. Without arguments it prints the help. --help is a success.
func run(ctx context.Context, args []string, std *streams) int {
	helped := false
	parser, err := kong.New(&cli{}, kong.Name("refmon-gateway"), kong.Description(description),
		kong.Writers(std.out, std.err), kong.Exit(func(int) { helped = true }),
		flags.Options(),
		kong.Bind(std, &configfile.Program{Out: std.out, Shipped: shipped, Check: checkConfig}),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return report(std, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	c, err := parser.Parse(args)
	if helped { // --help has printed its text, so the error of Parse is meaningless
		return exitSuccess
	}
	if err == nil {
		err = flags.CheckValues(c)
	}
	if err != nil {
		return report(std, fmt.Errorf("%w; see %s", flags.Explain(err), flags.HelpFor(parser, args)))
	}
	return report(std, c.Run())
}

// report returns the exit code for err: 0 for nil. It prints any other error and returns 2.
func report(std *streams, err error) int {
	if err == nil {
		return exitSuccess
	}
	fmt.Fprintf(std.err, "refmon-gateway: %s\n", printable.Text(err.Error()))
	return exitMalformed
}
