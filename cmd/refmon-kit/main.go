// Command refmon-kit asks an implementation of Windows access control questions with known answers, and prints a score.
// docs/kit.md describes the protocol of adapters. `refmon-kit --help` lists the commands.
//
// The exit code is 0 if no answer is wrong, 1 if one is, and 2 for a malformed command line or an adapter that broke
// the protocol.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"github.com/refmon/refmon/internal/cli/flags"
	"github.com/refmon/refmon/internal/cli/version"
)

// cli is the command line.
type cli struct {
	Questions questionsCmd `cmd:"" help:"Print the questions, one JSON object a line."`
	Run       runCmd       `cmd:"" help:"Run an adapter and print its score."`
	Score     scoreCmd     `cmd:"" help:"Score the answers on standard input."`
	Adapter   adapterCmd   `cmd:"" help:"Answer questions as refmon, from standard input."`

	Version versionCmd `cmd:"" help:"Print the version."`
}

const description = `refmon-kit asks any implementation of Windows access control the same questions and counts
right answers. docs/kit.md says how to write an adapter.

The exit code is 0 if no answer is wrong, 1 if one is, 2 after an error.`

// Exit codes.
const (
	exitSuccess   = 0
	exitWrong     = 1
	exitMalformed = 2
)

// errWrong means that answers were wrong; the report says which.
var errWrong = errors.New("answers were wrong")

// release is set by release builds: -ldflags "-X main.release=v1.2.3".
var release = ""

// streams has the inputs and outputs of a command. Immutable.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	os.Exit(run(context.Background(), os.Args[1:], &streams{os.Stdin, os.Stdout, os.Stderr}))
}

// run runs one command line and returns the exit code. It prints an error to std.err. Without arguments it prints the
// help, which succeeds.
func run(ctx context.Context, args []string, std *streams) int {
	helped := false
	parser, err := kong.New(&cli{}, kong.Name("refmon-kit"), kong.Description(description),
		kong.Writers(std.out, std.err), kong.Exit(func(int) { helped = true }), flags.Options(), kong.Bind(std),
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

// report prints an error and returns the exit code. Wrong answers were reported before.
func report(std *streams, err error) int {
	switch {
	case err == nil:
		return exitSuccess
	case errors.Is(err, errWrong):
		return exitWrong
	}
	fmt.Fprintf(std.err, "refmon-kit: %v\n", err)
	return exitMalformed
}

type versionCmd struct{}

// Run prints the version in the form of the other programs.
func (*versionCmd) Run(std *streams) error {
	_, err := fmt.Fprintln(std.out, version.Line("refmon-kit", release))
	return err
}
