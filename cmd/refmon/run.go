package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/nt"
)

// maxScript is the size limit of a program, in bytes.
const maxScript = 16 << 20

// scriptFlags are shared by run and repl.
type scriptFlags struct {
	JSON    bool   `help:"Print one JSON object for each call."`
	Quiet   bool   `help:"Print only expectations that failed."`
	Profile string `enum:"documented,observed" default:"documented" help:"${profile}"`
	Connect string `help:"Call the running refmond on this socket, not a kernel in this process." placeholder:"SOCKET"`
}

// config returns the configuration for running a script. With --connect it dials the daemon once, so that a missing
// daemon is an error before the program starts. --profile observed with --connect is an error. After an error of the
// daemon the configuration is valid.
func (f *scriptFlags) config(std *streams) (script.Config, error) {
	cfg := script.Config{Output: std.out, JSON: f.JSON, Quiet: f.Quiet, Colour: std.colour, Width: std.width}
	if f.Profile == "observed" {
		cfg.Profile = nt.Observed
	}
	if f.Connect == "" {
		return cfg, nil
	}
	if cfg.Profile == nt.Observed {
		return cfg, errors.New("--profile with --connect: the profile is the daemon's")
	}
	cfg.Connect = func() (script.Connection, error) { return client.Dial(f.Connect) }
	// A daemon that is not there is an error at once, not at the first process of the program.
	c, err := cfg.Connect()
	if err != nil {
		return cfg, err
	}
	return cfg, c.Close()
}

// runCmd holds the arguments and flags of refmon run.
type runCmd struct {
	File string `arg:"" help:"The program, a Starlark file; - for standard input."`
	scriptFlags
	Audit    string `help:"Write the audit records to the log in DIR, which is created if missing." placeholder:"DIR"`
	AuditKey string `help:"Sign the log's checkpoints with this key instead of one in DIR." placeholder:"FILE"`
}

// Help returns the long text of --help for refmon run.
func (runCmd) Help() string {
	return `Runs a program that calls the kernel and prints the transcript: the caller, the service, its
arguments, the status, and for a denial the rule and the entry. Every service is a method of a thread,
under its documented name; refmon services lists them. This example uses the whole language:

  refmon run examples/impersonation.star

With --connect the calls go to the refmond on that socket. process("me") connects, refmond assigns its
token, and routines of kernel mode do not exist.

The exit code is 0 if every expect() held, 1 if one did not, 2 if the program is wrong.`
}

// Run runs the program in a new kernel, or at a daemon with --connect. It returns errDenied if an expectation of the
// program fails. --audit with --connect is an error. The log is closed at the end, and a failure of that is joined.
func (c *runCmd) Run(std *streams) error {
	source, err := readProgram(c.File, std.in)
	if err != nil {
		return err
	}
	if c.Connect != "" && c.Audit != "" {
		return errors.New("--audit with --connect: the records are the daemon's")
	}
	cfg, err := c.config(std)
	if err != nil {
		return err
	}
	end, err := c.trail(&cfg)
	if err != nil {
		return err
	}
	r := script.New(cfg)
	return errors.Join(finish(r, r.Run(c.File, source)), end())
}

// readProgram returns the program in the named file, or in in for "-". More than maxScript bytes are an error.
func readProgram(name string, in io.Reader) ([]byte, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read the program: %w", err)
		}
		defer func() { _ = f.Close() }() // only read
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxScript+1))
	if err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	if len(b) > maxScript {
		return nil, fmt.Errorf("read the program: %s is larger than %d bytes", name, maxScript)
	}
	return b, nil
}

// finish closes the kernel and returns the error of the command: errDenied for a failed expectation, else err, else a
// leak of the kernel. A leak is dropped if there is another error.
func finish(r *script.Runner, err error) error {
	leak := r.Close()
	switch {
	case errors.Is(err, script.ErrExpectation):
		return errDenied
	case err != nil:
		return err
	case leak != nil:
		return fmt.Errorf("the kernel did not close cleanly: %w", leak)
	}
	return nil
}

// replCmd holds the arguments and flags of refmon repl.
type replCmd struct {
	scriptFlags
}

// Help returns the long text of --help for refmon repl.
func (replCmd) Help() string {
	return `Reads the statements of a refmon run program one at a time and runs each at once. In a terminal you can
edit the line. The arrow keys recall earlier lines, Tab completes names, parameters and constants, Ctrl-C discards the
line, and exit ends the session. help(NtClose) explains a service, and help lists what to type. Without a terminal the
exit code is 2 after a statement that ended with an error; the statements after it run. Try:

  alice = token(user="S-1-5-21-1-2-3-1107", groups=["DU"])
  svc = process("server", token_profile("network service"))
  kernel_mode(svc.thread).PsImpersonateClient(Thread=svc.thread,
    Token=alice, ImpersonationLevel=SecurityImpersonation)
  svc.thread.NtOpenThreadToken(ThreadHandle=NtCurrentThread(),
    DesiredAccess=TOKEN_QUERY)

With --connect the calls go to a running refmond. Try there:

  me = process("me").thread
  me.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(),
    DesiredAccess=TOKEN_QUERY)`
}

// Run reads statements until the input ends. On a terminal there is a line editor, and Ctrl-C ends the running
// statement, not the session. Without a terminal it reads std.in without prompts.
func (c *replCmd) Run(std *streams) error {
	cfg, err := c.config(std)
	if err != nil {
		return err
	}
	r := script.New(cfg)
	in, typed := std.in.(*os.File)
	out, seen := std.out.(*os.File)
	if !typed || !seen || !isTerminal(in) || !isTerminal(out) {
		return finish(r, r.Interact(std.in, ""))
	}
	fmt.Fprintln(std.out, script.Greeting)
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case <-interrupts:
				r.Interrupt()
			case <-done:
				return
			}
		}
	}()
	return finish(r, r.Converse(newEditor(in, out, r.Complete)))
}
