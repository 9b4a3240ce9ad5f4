// Command refmond is the daemon of refmon. `refmond --help` lists its verbs,
// `refmond version` prints what it was built from.
//
// The exit code is 0 on success and 2 if the command line was malformed.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
)

// cli is the command line; each verb is a field here and a file beside this one.
type cli struct {
	Demo bool `help:"Start in a temporary folder, play a story of three programs, and stay up."`

	Serve  serveCmd  `cmd:"" help:"Listen for programs, and play the kernel for them."`
	Mount  mountCmd  `cmd:"" help:"Show a tree of files to the programs of this host, without a daemon."`
	Config configCmd `cmd:"" help:"Check and explain the configuration."`

	Account   accountCmd   `cmd:"" help:"Change and list the accounts of a running refmond."`
	Directory directoryCmd `cmd:"" help:"Ask the directory of the domain, and write tables of it."`
	Doctor    doctorCmd    `cmd:"" help:"Say what refmond lacks on this host, and what to do."`

	Ps        psCmd        `cmd:"" help:"List processes, threads, and whom each thread impersonates."`
	Handles   handlesCmd   `cmd:"" help:"List the handles of a process."`
	Token     tokenCmd     `cmd:"" help:"Show the token of a process or of a thread's client."`
	OpenFiles openFilesCmd `cmd:"" name:"open-files" help:"List who has which file open."`
	Sessions  sessionsCmd  `cmd:"" help:"List the connections, and the clients that came with tickets."`
	Trace     traceCmd     `cmd:"" help:"Print the calls of clients as they are made."`
	Why       whyCmd       `cmd:"" help:"Show what was denied lately, and why."`

	Version versionCmd `cmd:"" help:"Print the version."`
}

const description = `refmond plays a Windows-compatible security kernel for the programs of this host: they
connect, get a process and a token from who they are, talk over named pipes, and impersonate
each other as documented. docs/refmond.md is the way in.`

// Exit codes: those of cmd/refmon.
const (
	exitSuccess   = 0
	exitMalformed = 2
)

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
	parser, err := newParser(std, func(int) { helped = true })
	if err != nil {
		return report(std, err)
	}
	if len(args) > 0 && os.Getenv(demoRole) != "" {
		return report(std, act(args, std))
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	if len(args) == 1 && args[0] == "--demo" {
		return report(std, demo(std))
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

// newParser returns the parser of command lines, which calls exit after a help text.
func newParser(std *streams, exit func(int)) (*kong.Kong, error) {
	return kong.New(&cli{},
		kong.Name("refmond"),
		kong.Description(description),
		kong.Writers(std.out, std.err),
		kong.Exit(exit),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100, NoExpandSubcommands: true}),
		kong.Bind(std),
	)
}

// report prints an error and returns the exit code.
func report(std *streams, err error) int {
	if err == nil {
		return exitSuccess
	}
	fmt.Fprintf(std.err, "refmond: %v; see refmond --help\n", err)
	return exitMalformed
}
