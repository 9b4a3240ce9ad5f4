// Command refmon-index keeps a live index of who may read what of trees of files, and
// answers from it. `refmon-index --help` lists its verbs.
//
// The exit code is 0 for yes and for success, 1 for no, 2 for what is malformed or fails.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"github.com/refmon/refmon/internal/verbs/version"
)

// cli is the command line; each verb is a field here.
type cli struct {
	Run     runCmd     `cmd:"" help:"Keep an index of trees of files, until interrupted."`
	CanRead canReadCmd `cmd:"" help:"Say whether a person has a right on a document." name:"can-read"`
	Why     whyCmd     `cmd:"" help:"Say what decided it, and as of when."`
	Filter  filterCmd  `cmd:"" help:"List the classes whose documents are a person's."`
	Changes changesCmd `cmd:"" help:"Print whose answers have changed, from a number on."`
	Status  statusCmd  `cmd:"" help:"Say how much the index knows."`
	Listed  listedCmd  `cmd:"" help:"List classes whose people a list of SIDs that allow does not tell, and these people."`

	Site      siteCmd      `cmd:"" help:"Make the keys of an index of many machines." group:"Many machines"`
	Broker    brokerCmd    `cmd:"" help:"Run a message server." group:"Many machines"`
	Streams   streamsCmd   `cmd:"" help:"Make the streams on NATS servers of others." group:"Many machines"`
	Watch     watchCmd     `cmd:"" help:"Tell of the files of this host." group:"Many machines"`
	Directory directoryCmd `cmd:"" help:"Tell who the people are." group:"Many machines"`
	Work      workCmd      `cmd:"" help:"Decide who has which right." group:"Many machines"`
	Follow    followCmd    `cmd:"" help:"Keep what was decided, and answer from it." group:"Many machines"`

	Version versionCmd `cmd:"" help:"Print the version."`
}

const description = `refmon-index follows the files of a tree and the people of a directory, and keeps who may read
what: decided as the file server does, and nothing is given that is not known as of now.

  refmon-index run --tree /srv --directory company.yaml --state /var/lib/refmon-index
  refmon-index can-read /srv/plan.docx alice --state /var/lib/refmon-index

docs/search.md is the way in.`

// Exit codes.
const (
	exitSuccess = 0
	exitNo      = 1
	exitFailed  = 2
)

// errNo says that the answer is no; it has been printed.
var errNo = errors.New("no")

// streams are the outputs of a verb. Immutable.
type streams struct {
	out, err io.Writer
}

func main() {
	os.Exit(run(os.Args[1:], &streams{out: os.Stdout, err: os.Stderr}))
}

// run runs one command line and returns the exit code.
func run(args []string, std *streams) int {
	helped := false
	parser, err := kong.New(&cli{}, kong.Name("refmon-index"), kong.Description(description),
		kong.Writers(std.out, std.err), kong.Exit(func(int) { helped = true }), kong.Bind(std),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100, NoExpandSubcommands: true}))
	if err != nil {
		return report(std, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(args)
	if helped { // --help has printed its text, and what Parse says after it means nothing
		return exitSuccess
	}
	if err != nil {
		return report(std, err)
	}
	return report(std, ctx.Run())
}

// report prints an error and returns the exit code.
func report(std *streams, err error) int {
	switch {
	case err == nil:
		return exitSuccess
	case errors.Is(err, errNo):
		return exitNo
	}
	fmt.Fprintf(std.err, "refmon-index: %v; see refmon-index --help\n", err)
	return exitFailed
}

// release is set by release builds: -ldflags "-X main.release=v1.2.3".
var release = ""

type versionCmd struct{}

// Run prints the version, the revision it was built from and the toolchain.
func (versionCmd) Run(std *streams) error {
	_, err := fmt.Fprintln(std.out, version.Line("refmon-index", release))
	return err
}
