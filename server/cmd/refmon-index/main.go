// Command refmon-index maintains a live index of the users who may read the files of trees, and
// answers queries about it. `refmon-index --help` lists its commands.
//
// The exit code is 0 for yes and for success, 1 for no, and 2 for malformed input and failures.
package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/alecthomas/kong"

	"github.com/refmon/refmon/internal/cli/flags"
	"github.com/refmon/refmon/internal/cli/version"
	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/server/internal/nocores"
)

// cli is the command line. Each field is a command.
type cli struct {
	Run     runCmd     `cmd:"" help:"Maintain an index of trees of files until interrupted."`
	CanRead canReadCmd `cmd:"" help:"Print whether a person has a right on a document." name:"can-read"`
	Why     whyCmd     `cmd:"" help:"Print the same with its evidence and time."`
	Filter  filterCmd  `cmd:"" help:"List the classes of documents with equal readers that a person may find."`
	Changes changesCmd `cmd:"" help:"Print the changes of access after a number."`
	Status  statusCmd  `cmd:"" help:"Print heartbeats and counts."`
	Listed  listedCmd  `cmd:"" help:"List classes of documents whose readers no list of SIDs covers."`

	Site      siteCmd      `cmd:"" help:"Write the files of each machine." group:"Many machines"`
	Broker    brokerCmd    `cmd:"" help:"Run a NATS server." group:"Many machines"`
	Keep      keepCmd      `cmd:"" help:"Keep the streams of existing NATS servers." group:"Many machines"`
	Watch     watchCmd     `cmd:"" help:"Report the files of this host." group:"Many machines"`
	Directory directoryCmd `cmd:"" help:"Publish the directory." group:"Many machines"`
	Work      workCmd      `cmd:"" help:"Compute the classes of documents, and who may read each." group:"Many machines"`
	Follow    followCmd    `cmd:"" help:"Store the results for queries." group:"Many machines"`
	Lag       lagCmd       `cmd:"" help:"Print how many messages wait for each process." group:"Many machines"`

	Version versionCmd `cmd:"" help:"Print the version."`
}

const description = `refmon-index maintains an index of who may read the files of a tree. It decides like the
file server, and answers only from current data.

  refmon-index run --tree /srv --directory company.yaml \
    --state /var/lib/refmon-index
  refmon-index can-read /srv/plan.docx alice --state /var/lib/refmon-index

See docs/search.md.`

const traverseHelp = "Folders on the way to a document: host (the search permission by mode and POSIX ACL, as " +
	"smbd), never (not tested), privilege (holders of SeChangeNotifyPrivilege pass all of them) or always (each " +
	"folder's descriptor decides)."

// Exit codes.
const (
	exitSuccess = 0
	exitNo      = 1
	exitFailed  = 2
)

// errNo says that the answer, already printed, is no.
var errNo = errors.New("no")

// streams has the outputs of a command. Immutable.
type streams struct {
	out, err io.Writer
}

func main() {
	// A core dump would contain the passwords of the directory and of NATS.
	nocores.Set(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	os.Exit(run(os.Args[1:], &streams{out: os.Stdout, err: os.Stderr}))
}

// run runs one command line and returns the exit code: 0 for success and yes, 1 for no, 2 for an error, which it
// prints. Without arguments it prints the help. An unreadable or malformed --config file is an error.
func run(args []string, std *streams) int {
	helped := false
	parser, err := kong.New(&cli{}, kong.Name("refmon-index"), kong.Description(description),
		kong.Vars{"traverse": traverseHelp, "share": shareHelp},
		kong.Writers(std.out, std.err), kong.Exit(func(int) { helped = true }), kong.Bind(std),
		flags.Options())
	if err != nil {
		return report(std, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	if args, err = withConfig(parser, args); err != nil {
		return report(std, err)
	}
	ctx, err := parser.Parse(args)
	if helped { // --help has printed its text, so the error of Parse is meaningless
		return exitSuccess
	}
	if err == nil {
		err = flags.CheckValues(ctx)
	}
	if err != nil {
		return report(std, fmt.Errorf("%w; see %s", flags.Explain(err), flags.HelpFor(parser, args)))
	}
	return report(std, ctx.Run())
}

// report returns the exit code for an error: 0 for nil, 1 for errNo, 2 for every other error, which it prints.
func report(std *streams, err error) int {
	switch {
	case err == nil:
		return exitSuccess
	case errors.Is(err, errNo):
		return exitNo
	}
	fmt.Fprintf(std.err, "refmon-index: %s\n", printable.Text(err.Error()))
	return exitFailed
}

// release is set by release builds: -ldflags "-X main.release=v1.2.3".
var release = ""

type versionCmd struct{}

// Run prints one line with the version, the revision it was built from and the toolchain.
func (versionCmd) Run(std *streams) error {
	_, err := fmt.Fprintln(std.out, version.Line("refmon-index", release))
	return err
}
