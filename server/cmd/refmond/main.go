// Command refmond is the daemon that acts as the NT kernel for the programs of a host. `refmond --help` lists its
// commands, `refmond version` prints its version.
//
// The exit code is 0 on success and 2 after every error.
package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/alecthomas/kong"

	"github.com/refmon/refmon/internal/cli/configfile"
	"github.com/refmon/refmon/internal/cli/flags"
	"github.com/refmon/refmon/internal/printable"
)

// cli is the command line. Each field is a command with a file of its own.
type cli struct {
	Serve  serveCmd           `cmd:"" help:"Serve the kernel to the programs of this host."`
	Mount  mountCmd           `cmd:"" help:"Mount a tree of files, without a daemon."`
	Config configfile.Command `cmd:"" help:"Check a configuration file, or print one with explanations."`

	Account   accountCmd   `cmd:"" help:"Change and list the accounts of a running refmond."`
	Directory directoryCmd `cmd:"" help:"Query the domain's directory and export it."`
	Doctor    doctorCmd    `cmd:"" help:"Check this host for problems and print what to do."`

	Ps        psCmd        `cmd:"" help:"List processes, threads, and the client that each thread impersonates."`
	Handles   handlesCmd   `cmd:"" help:"List the handles of a process."`
	Token     tokenCmd     `cmd:"" help:"Show the token of a process or of a thread's client."`
	OpenFiles openFilesCmd `cmd:"" name:"open-files" help:"List the open files and their processes."`
	Sessions  sessionsCmd  `cmd:"" help:"List the connections, and the clients that logged on with tickets."`
	Revoke    revokeCmd    `cmd:"" help:"End the access of a user or a group, or all access to a file, and record it."`
	Trace     traceCmd     `cmd:"" help:"Print the calls of clients as they are made."`
	Why       whyCmd       `cmd:"" help:"Print recent denials with their reasons."`

	Version versionCmd `cmd:"" help:"Print the version."`
}

const description = `refmond is a Windows-compatible security kernel for the programs of this host. A program that
connects gets a process and a token of its account. Programs communicate over named pipes and impersonate
each other. See docs/refmond.md.

To try it, run

  refmond --demo

which starts in a temporary folder, shows three programs that use the kernel, and runs until Ctrl-C.`

// Exit codes, with the numbers of cmd/refmon. Every error is exitMalformed.
const (
	exitSuccess   = 0
	exitMalformed = 2
)

// streams has the outputs of a command. Immutable.
type streams struct {
	out, err io.Writer
}

func main() {
	os.Exit(run(os.Args[1:], &streams{out: os.Stdout, err: os.Stderr}))
}

// run runs one command line and returns the exit code. Without arguments it prints the help. An error is printed to
// stderr. Help succeeds. "--demo" as the only argument runs the demonstration. A command fails if its output was lost,
// for example on a full disk.
func run(args []string, std *streams) int {
	out := &checkedOutput{to: std.out}
	code := runTo(args, &streams{out: out, err: std.err})
	if err := out.firstError(); err != nil && code == exitSuccess {
		return report(std, err)
	}
	return code
}

// checkedOutput passes writes on, and keeps the first error. It is safe for concurrent use.
type checkedOutput struct {
	to  io.Writer // immutable
	mu  sync.Mutex
	err error // guarded by mu
}

// Write writes b as it is.
func (o *checkedOutput) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.to.Write(b)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// firstError returns the first error of a write, nil if there was none.
func (o *checkedOutput) firstError() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// runTo runs one command line as run does. It may miss that output was lost.
func runTo(args []string, std *streams) int {
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

// Help texts of flags that several commands have, or that are long.
const (
	configHelp = "The configuration; by default the settings that refmond config print shows."
	socketHelp = "refmond's socket, by default $REFMON_SOCKET or /run/refmon/refmond.sock. Administrators use " +
		"/run/refmon/admin.sock to see everything."
	traverseHelp = "Whether the directories above a file are tested: privilege (not for holders of " +
		"SeChangeNotifyPrivilege, which everybody has; the default), always (the default with --missing synthesise) or " +
		"never."
)

// newParser returns the parser of command lines. It calls exit after it has printed a help text.
func newParser(std *streams, exit func(int)) (*kong.Kong, error) {
	help := std.out
	if o, ok := help.(*checkedOutput); ok {
		help = o.to // the file itself, because kong queries the width of a terminal
	}
	return kong.New(&cli{},
		kong.Name("refmond"),
		kong.Description(description),
		kong.Writers(help, std.err),
		kong.Exit(exit),
		kong.Vars{"config": configHelp, "socket": socketHelp, "traverse": traverseHelp},
		flags.Options(),
		kong.Bind(std, &configfile.Program{Out: std.out, Shipped: shipped, Check: checkConfig}),
	)
}

// report prints an error and returns the exit code. nil is exitSuccess and prints nothing.
func report(std *streams, err error) int {
	if err == nil {
		return exitSuccess
	}
	fmt.Fprintf(std.err, "refmond: %s\n", printable.Text(err.Error()))
	return exitMalformed
}
