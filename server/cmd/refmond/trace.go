package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/winnt"
)

type sessionsCmd struct {
	inspectFlags
}

// Help returns the long text of --help for the command sessions.
func (sessionsCmd) Help() string {
	return `Lists the connections with the program and uid of the peer, its account, logon session and start.
Below are the logon sessions that clients opened with tickets, each with the service, times,
encryption types and issuer of its ticket.`
}

// Run prints the connections, and below them the logon sessions of tickets, if there are any. A process id of 0 is
// printed as "-".
func (c *sessionsCmd) Run(std *streams) error {
	l, err := c.open()
	if err != nil {
		return err
	}
	defer l.close()
	a, err := l.query(inspect.Query{What: "sessions"})
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%6s  %-16s %7s %7s  %-10s %-9s %s\n", "ID", "PROGRAM", "UID", "PID", "SESSION", "SINCE", "USER")
	for _, s := range a.Sessions {
		who, pid := l.named(s.User), fmt.Sprint(s.PID)
		if s.Full {
			who += " (full)"
		}
		if s.PID == 0 {
			pid = "-" // started by another program; the current one is unknown
		}
		fmt.Fprintf(std.out, "%6d  %-16s %7d %7s  %-10s %-9s %s\n", s.Process, short(s.Name, 16), s.UID, pid, s.Session,
			clock(s.Since), who)
	}
	if len(a.Tickets) > 0 {
		fmt.Fprintf(std.out, "\n%-10s %-28s %s\n", "SESSION", "USER", "TICKET")
	}
	for _, t := range a.Tickets {
		fmt.Fprintf(std.out, "%-10s %-28s %s\n", t.Session, l.named(t.User), inLine(t.Proof))
	}
	return nil
}

// watchEvery is the polling interval of a trace.
const watchEvery = 200 * time.Millisecond

type traceCmd struct {
	inspectFlags
	Process uint64        `help:"Only calls of this process, by its number in refmond ps." placeholder:"ID"`
	For     time.Duration `help:"End after this time, such as 30s or 10m; by default with Ctrl-C." placeholder:"TIME"`
}

// Help returns the long text of --help for the command trace.
func (traceCmd) Help() string {
	return `Prints new calls of clients with their reasons, in the format of refmon run. Secrets are ***. You
see the calls of processes whose memory you may read. Clients do not wait for the output: if calls come
faster than it can be written, some are lost, and their number is printed.`
}

// Validate returns an error for a negative --for.
func (c *traceCmd) Validate() error { return checkTime("--for", c.For) }

// Run prints new calls of clients until SIGTERM, SIGINT or the end of For, which is not an error. Earlier calls are not
// printed. It polls every watchEvery, and at once while there are further calls. An error of a query ends it. A process
// that does not exist, or that the caller may not open, is an error.
func (c *traceCmd) Run(std *streams) error {
	l, err := c.open()
	if err != nil {
		return err
	}
	defer l.close()
	if c.Process != 0 { // the trace of no process, or of one whose calls are hidden, would wait in vain
		h, err := l.openProcess(c.Process, winnt.PROCESS_QUERY_INFORMATION|winnt.PROCESS_VM_READ)
		if err != nil {
			return err
		}
		l.th.NtClose(h)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT)
	defer signal.Stop(signals)
	var end <-chan time.Time
	if c.For > 0 {
		end = time.After(c.For)
	}
	q := inspect.Query{What: "calls", Process: c.Process, After: math.MaxUint64}
	first, err := l.query(q)
	if err != nil {
		return err
	}
	q.After = first.Next // skip all calls from before this trace, which another trace may have stored
	for wait := watchEvery; ; {
		select {
		case <-signals:
			return nil
		case <-end:
			return nil
		case <-time.After(wait):
		}
		// One reply at a time: clients that call without a pause must not keep the signal from being seen.
		last, _, err := l.calls(std, q, false, 0)
		if err != nil {
			return err
		}
		if wait = 0; last == q.After {
			wait = watchEvery
		}
		q.After = last
	}
}

// calls prints the recorded calls after q.After. It returns the number of the last one, and how many it printed. It
// stops when there are no further ones, and after the reply that reaches the number until. stamped adds time, process
// and client to each.
func (l *inspector) calls(std *streams, q inspect.Query, stamped bool, until uint64) (last uint64, n int, err error) {
	for {
		a, err := l.query(q)
		if err != nil {
			return 0, n, err
		}
		n += len(a.Calls)
		if a.Lost > 0 {
			fmt.Fprintf(std.out, "… %d or more calls were lost here\n", a.Lost)
		}
		for _, call := range a.Calls {
			for i, line := range call.Lines {
				if i == 0 && stamped {
					fmt.Fprintf(std.out, "%s process %d%s\n", clock(call.Time), call.Process, l.client(&call))
				}
				fmt.Fprintln(std.out, inLine(line))
			}
		}
		if a.Next == q.After || a.Next >= until {
			return a.Next, n, nil
		}
		q.After = a.Next
	}
}

// client returns the client that a call was made for, with its ticket, as text. It returns "" if the process acted as
// itself.
func (l *inspector) client(c *inspect.Call) string {
	if c.User == "" {
		return ""
	}
	// Show the ticket of a client that logged on with one, even after the client has gone (K-86).
	return ", as " + l.named(c.User) + parenthesize(c.Proof)
}

// parenthesize returns the proof of a client's logon, such as its ticket, in parentheses and without control
// characters. It returns "" for an empty proof.
func parenthesize(proof string) string {
	if proof == "" {
		return ""
	}
	return " (" + inLine(proof) + ")"
}

type whyCmd struct {
	inspectFlags
	Path    string        `help:"Only objects with this text in their names." placeholder:"NAME"`
	Process uint64        `help:"Only calls of this process, by its number in refmond ps." placeholder:"ID"`
	Since   time.Duration `help:"Only denials since this time ago, such as 30s, 10m or 2h." placeholder:"TIME"`
	Audit   string        `help:"Read the audit log of refmond mount --audit DIR instead." placeholder:"DIR"`
}

// Help returns the long text of --help for the command why.
func (whyCmd) Help() string {
	return `Shows recent denials: the rule, and the entries of the object's security descriptor that decided.
refmond serve stores the newest denials, also those through its mounts. You see the denials of processes
whose memory you may read, such as your own. At the administrators' socket, administrators see all denials, with the
client of each and its ticket:

  refmond why --since 10m
  refmond why --socket /run/refmon/admin.sock --path plan

refmond mount writes denials to an audit log instead: use refmond mount --audit DIR and refmond why --audit DIR. For a
file that nobody has tried to open use refmon why PATH --as USER.`
}

// noDenial returns the line that refmond why prints if it finds no denial. Without --socket the line names the socket
// at which administrators see the denials of others.
func noDenial(socket string) string {
	const none = "No recent denial that you may see."
	if socket != "" {
		return none
	}
	return none + " Administrators see all " + atAdminSocket + "."
}

// Validate returns an error for a negative --since, and for --audit with an option that only a running refmond can
// answer.
func (c *whyCmd) Validate() error {
	if c.Audit != "" && (c.Process != 0 || c.Socket != "" || c.Owner != "") {
		return errors.New("--audit: omit --process, --socket and --owner, which are for a running refmond")
	}
	return checkTime("--since", c.Since)
}

// checkTime returns an error for a negative time of an option.
func checkTime(option string, d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("%s is %v: want 0 or more", option, d)
	}
	return nil
}

// Run prints the recent denials that match the options, the newest last: those of the daemon, or with --audit those of
// an audit log. It says so if none does. A daemon that cannot be reached is an error.
func (c *whyCmd) Run(std *streams) error {
	if c.Audit != "" {
		return c.fromTrail(std)
	}
	l, err := c.open()
	if err != nil {
		return err
	}
	defer l.close()
	q := inspect.Query{What: "denials", Path: c.Path, Process: c.Process}
	if c.Since > 0 {
		q.Since = time.Now().Add(-c.Since)
	}
	// Denials from now on are left out: a program that is denied without a pause would make the list endless.
	newest, err := l.query(inspect.Query{What: q.What, After: math.MaxUint64})
	if err != nil {
		return err
	}
	_, n, err := l.calls(std, q, true, newest.Next)
	if err == nil && n == 0 {
		fmt.Fprintln(std.out, noDenial(c.Socket))
	}
	return err
}
