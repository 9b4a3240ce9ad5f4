package main

import (
	"fmt"
	"path/filepath"

	"github.com/refmon/refmon/auditlog"
)

// auditForwardCmd holds the arguments and flags of refmon audit forward.
type auditForwardCmd struct {
	Dir    string `arg:"" help:"The folder of the log."`
	To     string `required:"" help:"unix:PATH, tcp:HOST:PORT or a file." placeholder:"SINK"`
	Cursor string `help:"File with the number of the next record to send; by default DIR/cursor." placeholder:"FILE"`
	Follow bool   `default:"true" negatable:"" help:"Wait for more records, until interrupted."`
}

// Help returns the long text of --help for refmon audit forward.
func (auditForwardCmd) Help() string {
	return `Forwards records to one sink as lines of JSON, in order and at least once: after a crash it repeats
some records, with the same id. It retries a sink that is unavailable, and loses no record that is still
in the log. Standard error gets one line when the sink fails, one when it works again, and one that names
records that the log no longer has. Programs that write the log never wait for the sink.
Each sink needs a cursor of its own. docs/audit-log.md has configurations of collectors.`
}

// Run forwards records to the sink, from the cursor on, and moves the cursor. With --follow it waits for more until
// SIGINT or SIGTERM.
func (c *auditForwardCmd) Run(s *streams) error {
	f := &auditlog.Forwarder{Dir: c.Dir, Sink: c.To, Cursor: c.Cursor, Warn: func(line string) {
		fmt.Fprintln(s.err, "refmon:", inLine(line)) // an error can have several lines
	}}
	if f.Cursor == "" {
		f.Cursor = filepath.Join(c.Dir, "cursor")
	}
	ctx, stop := interrupted()
	defer stop()
	return f.Run(ctx, c.Follow)
}
