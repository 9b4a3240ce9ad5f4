package main

import (
	"fmt"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/server/daemon"
)

type sessionsCmd struct {
	lookFlags
}

// Help returns the long help of the verb.
func (sessionsCmd) Help() string {
	return `Lists the connections: the program and uid at the other end, whom the daemon takes it for, its
logon session, and since when. Below them are the logon sessions that clients' tickets opened, each
with its ticket: service, times, types of encryption, and issuer.`
}

// Run lists the connections.
func (c *sessionsCmd) Run(std *streams) error {
	l, err := c.open()
	if err != nil {
		return err
	}
	defer l.close()
	a, err := l.ask(daemon.Question{What: "sessions"})
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
			pid = "-" // another program started it, and which one it is now is not known
		}
		fmt.Fprintf(std.out, "%6d  %-16s %7d %7s  %-10s %-9s %s\n", s.Process, short(s.Name, 16), s.UID, pid, s.Session,
			clock(s.Since), who)
	}
	if len(a.Tickets) > 0 {
		fmt.Fprintf(std.out, "\n%-10s %-28s %s\n", "SESSION", "USER", "TICKET")
	}
	for _, t := range a.Tickets {
		fmt.Fprintf(std.out, "%-10s %-28s %s\n", t.Session, l.named(t.User), printable(t.Proof))
	}
	return nil
}

// watchEvery is how long a trace waits between two looks.
const watchEvery = 200 * time.Millisecond

type traceCmd struct {
	lookFlags
	Process uint64        `help:"Calls of this process only; the number is that of refmond ps." placeholder:"ID"`
	For     time.Duration `help:"End after this time; else with Ctrl-C." placeholder:"TIME"`
}

// Help returns the long help of the verb.
func (traceCmd) Help() string {
	return `Prints the calls that clients make from now on, with their reasons, as refmon run prints them;
secrets are ***. You see the calls of those processes whose memory you may read. No client waits
for you: what comes faster than you read is lost, and you are told how many calls that were.`
}

// Run prints calls until it is told to stop.
func (c *traceCmd) Run(std *streams) error {
	l, err := c.open()
	if err != nil {
		return err
	}
	defer l.close()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT)
	defer signal.Stop(signals)
	var end <-chan time.Time
	if c.For > 0 {
		end = time.After(c.For)
	}
	q := daemon.Question{What: "calls", Process: c.Process}
	first, err := l.ask(q)
	if err != nil {
		return err
	}
	q.After = first.Next // others may have watched before
	for {
		select {
		case <-signals:
			return nil
		case <-end:
			return nil
		case <-time.After(watchEvery):
		}
		if q.After, _, err = l.calls(std, q, false); err != nil {
			return err
		}
	}
}

// calls prints the calls that were made since, and returns the number of the last one
// and how many were printed.
func (l *looker) calls(std *streams, q daemon.Question, stamped bool) (last uint64, n int, err error) {
	for {
		a, err := l.ask(q)
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
				fmt.Fprintln(std.out, printable(line))
			}
		}
		if a.Next == q.After {
			return q.After, n, nil
		}
		q.After = a.Next
	}
}

// client says for whom a call was made, "" for its own process.
func (l *looker) client(c *daemon.SeenCall) string {
	if c.User == "" {
		return ""
	}
	text := ", as " + l.named(c.User)
	if c.Proof != "" {
		// A client that came with a ticket is told with it, also once it has gone. K-86
		text += " (" + printable(c.Proof) + ")"
	}
	return text
}

type whyCmd struct {
	lookFlags
	Path    string        `help:"Only objects with this in their names." placeholder:"NAME"`
	Process uint64        `help:"Calls of this process only." placeholder:"ID"`
	Since   time.Duration `help:"Only what was denied in this time, such as 10m." placeholder:"TIME"`
}

// Help returns the long help of the verb.
func (whyCmd) Help() string {
	return `Shows what was denied lately, and why: the rule, and the entries of the object's security
descriptor that decided. The daemon keeps the newest denials; you see those of processes whose
memory you may read, and as an administrator for which client each was, and by which ticket.`
}

// Run prints denials, the newest last.
func (c *whyCmd) Run(std *streams) error {
	l, err := c.open()
	if err != nil {
		return err
	}
	defer l.close()
	q := daemon.Question{What: "denials", Path: c.Path, Process: c.Process}
	if c.Since > 0 {
		q.Since = time.Now().Add(-c.Since)
	}
	_, n, err := l.calls(std, q, true)
	if err == nil && n == 0 {
		fmt.Fprintln(std.out, "Nothing was denied, of what is kept and you may see.")
	}
	return err
}
