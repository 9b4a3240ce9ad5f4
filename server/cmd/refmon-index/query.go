package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/refmon/refmon/internal/cli/configfile"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/queries"
	"github.com/refmon/refmon/token"
)

// queryFlags has the flags of commands that query an index.
type queryFlags struct {
	State string        `help:"The folder of the index." required:"" placeholder:"DIR"`
	Limit time.Duration `help:"The greatest age of a heartbeat; older data is not used." default:"10s"`
}

// ask sends a query to the running index, or else reads the index's files. ask calls run with a client of the running
// index. If no index is running, or run returns ErrNoRun, it calls folder with the files. Only a running index knows
// the groups of people; all other answers are equal (N-97). ask closes the client and the files.
func (a *queryFlags) ask(run func(*queries.Client) error, folder func(*index.Index) error) error {
	c, err := queries.Dial(a.State)
	if err == nil {
		err = run(c)
		_ = c.Close() // the answer was read, so an error does not matter
	}
	if !errors.Is(err, queries.ErrNoRun) {
		return err
	}
	x, err := index.Open(a.State, a.Limit)
	if err != nil {
		return err
	}
	defer func() { _ = x.Close() }() // closing an index that was only read loses no data
	return folder(x)
}

// subject is a person or a token of the command line.
type subject struct {
	Who   string `arg:"" optional:"" help:"The person, by name or SID."`
	Token string `help:"Query for the token in FILE instead of a person." placeholder:"FILE"`
}

// about converts the command's arguments to a query. a is the query for a running index, and q the query for the
// index's files. limit is the greatest age of a heartbeat. Unless exactly one of a person and a token file is set,
// about returns an error. An unreadable or malformed token file is an error. The person and the right are not checked.
func (s *subject) about(right string, limit time.Duration) (a queries.About, q index.Query, err error) {
	a = queries.About{Subject: queries.Subject{Who: s.Who}, Right: right, Limit: limit}
	q = index.Query{Who: s.Who, Right: right, Limit: limit}
	if (s.Token == "") == (s.Who == "") {
		return a, q, errors.New("name a person, or a token by --token")
	}
	if s.Token == "" {
		return a, q, nil
	}
	if a.Token, err = configfile.Read(s.Token); err != nil { // Parse has a limit of its own
		return a, q, err
	}
	if q.Token, err = token.Parse(a.Token); err != nil {
		err = fmt.Errorf("%s: %w", s.Token, err)
	}
	return a, q, err
}

type canReadCmd struct {
	Document   string `arg:"" help:"The document, by its path."`
	subject    `embed:""`
	Right      string `help:"The right; the index's first right by default." short:"w"`
	JSON       bool   `help:"Print the result with its evidence as JSON." name:"json"`
	queryFlags `embed:""`
}

// Run prints yes or no, with the reason if the answer is unknown. It returns errNo unless the answer is yes, which sets
// the exit code. Stale data prints "no" with its reason. A right that the index does not have is an error.
func (c *canReadCmd) Run(std *streams) error {
	about, q, err := c.about(c.Right, c.Limit)
	if err != nil {
		return err
	}
	var list []index.Answer
	err = c.ask(func(run *queries.Client) (err error) {
		list, _, err = run.CanRead([]string{c.document()}, about)
		return err
	}, func(x *index.Index) error {
		list = x.CanReadAll(nil, []string{c.document()}, q)
		return x.CheckRight(q.Right)
	})
	if err != nil {
		return err
	}
	return c.print(std, list[0])
}

// document returns the document's name in the index: its absolute path. It returns a path that begins with a slash
// unchanged, but without slashes at its end.
func (c *canReadCmd) document() string {
	if !strings.HasPrefix(c.Document, "/") {
		if name, err := filepath.Abs(c.Document); err == nil {
			return name
		}
	}
	if name := strings.TrimRight(c.Document, "/"); name != "" {
		return name
	}
	return c.Document
}

// print prints an answer, as JSON if JSON is set. It returns errNo unless the answer is yes. A reason follows "no" if
// the caller may know it. With JSON, or if the answer is yes, a failed write is returned instead.
func (c *canReadCmd) print(std *streams, a index.Answer) error {
	switch {
	case c.JSON:
		if err := json.NewEncoder(std.out).Encode(a); err != nil {
			return err
		}
		if a.Allowed {
			return nil
		}
	case a.Allowed:
		_, err := fmt.Fprintln(std.out, "yes")
		return err
	case a.Because != "":
		fmt.Fprintf(std.out, "no: %s\n", a.Because)
	default:
		fmt.Fprintln(std.out, "no")
	}
	return errNo
}

type filterCmd struct {
	subject    `embed:""`
	Form       string `help:"list: one a line; others: JSON with evidence." enum:"list,bitmap,sids,numbers" default:"list"`
	Right      string `help:"The right." short:"w" default:"read"`
	queryFlags `embed:""`
}

// Run prints the IDs of the classes, one a line, or the filter in another form as JSON. It prints nothing for no
// classes. An unknown person or right, and stale data, are errors. A form other than a list is one line of JSON.
func (c *filterCmd) Run(std *streams) error {
	about, q, err := c.about(c.Right, c.Limit)
	if err != nil {
		return err
	}
	var f index.Filter
	err = c.ask(func(run *queries.Client) (err error) {
		f, err = run.Filter(about, index.Form(c.Form))
		return err
	}, func(x *index.Index) (err error) {
		f, err = x.FilterFor(q, index.Form(c.Form))
		return err
	})
	if err != nil {
		return err
	}
	if index.Form(c.Form) != index.FormList {
		return json.NewEncoder(std.out).Encode(f)
	}
	for _, id := range f.Classes {
		if _, err := fmt.Fprintln(std.out, id); err != nil {
			return err // otherwise a truncated list would look complete
		}
	}
	return nil
}

type changesCmd struct {
	After  uint64 `help:"Only changes after this number, the last one received." placeholder:"N"`
	Follow bool   `help:"Continue with new changes until SIGINT or SIGTERM." short:"f"`
	State  string `help:"The folder of the index." required:"" placeholder:"DIR"`
}

// Run prints the changes as lines of JSON. With --follow it continues until SIGINT or SIGTERM, which is not an error.
// The first error of the log or the output ends it.
func (c *changesCmd) Run(std *streams) error {
	out := json.NewEncoder(std.out)
	tell := func(x index.Change) error { return out.Encode(x) }
	if !c.Follow {
		return index.Changes(c.State, c.After, tell)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return index.Follow(ctx, c.State, c.After, tell)
}

type statusCmd struct {
	queryFlags `embed:""`
}

// Help returns the long text of --help for the command status.
func (statusCmd) Help() string {
	return `Prints the age of the last heartbeat of each tree and of the directory, and the counts of the index.

The exit code is 0 if every source is current, 1 if the last heartbeat of a source is older than
--limit, so that its answers are withheld, and 2 if the folder cannot be read.`
}

// Run prints the heartbeats and the counts. It returns errNo if a source has no current heartbeat, or if the index had
// none yet (N-91). Without any heartbeat it prints the reason and returns errNo. If no run answers, it reads the folder
// instead.
func (c *statusCmd) Run(std *streams) error {
	var beats []index.SourceStatus
	var counts index.Counts
	var none error // why there is no heartbeat
	err := c.ask(func(run *queries.Client) (err error) {
		if beats, counts, err = run.Status(c.Limit); !errors.Is(err, queries.ErrNoRun) {
			none, err = err, nil
		}
		return err
	}, func(x *index.Index) (err error) {
		switch beats, err = x.Heartbeats(); {
		case err == nil:
			counts, err = x.Counts()
		case errors.Is(err, index.ErrNoHeartbeat): // else the index cannot be read (N-91)
			none, err = err, nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if none != nil {
		fmt.Fprintf(std.out, "heartbeat   none: answers are withheld: %v\n", none)
		return errNo
	}
	var withheld error
	for _, h := range beats {
		switch {
		case h.Time.IsZero():
			fmt.Fprintf(std.out, "heartbeat   none of %s: answers are withheld\n", h.Source)
		case h.Withheld != "":
			fmt.Fprintf(std.out, "heartbeat   %s ago, of %s: answers are withheld, the limit is %s\n", rounded(h.Age), h.Source,
				c.Limit)
		default:
			fmt.Fprintf(std.out, "heartbeat   %s ago, of %s\n", rounded(h.Age), h.Source)
		}
		if h.Withheld != "" {
			withheld = errNo
		}
	}
	return errors.Join(printCounts(std, counts), withheld)
}

// rounded rounds the age of a heartbeat to tenths of a second, for display.
func rounded(age time.Duration) time.Duration { return age.Round(100 * time.Millisecond) }

// printCounts prints the counts of the index as a table and returns the error of writing.
func printCounts(std *streams, n index.Counts) error {
	counted := func(n int) string {
		if n == index.NotCounted {
			return "not counted on several machines"
		}
		return strconv.Itoa(n)
	}
	_, err := fmt.Fprintf(std.out, "documents   %d\nunreadable  %d\n"+
		"unnamed     %s; their paths are not UTF-8\n"+
		"unnameable  %s; changes of folders whose paths are too long\nclasses     %d\npeople      %d\n"+
		"listed      %d classes of %d documents have members that no list of SIDs covers: see refmon-index listed\n",
		n.Documents, n.Unreadable, counted(n.Unnamed), counted(n.Unnameable), n.Classes, n.People, n.Listed,
		n.ListedDocuments)
	return err
}

type listedCmd struct {
	queryFlags `embed:""`
}

// Run prints each class as a line of JSON, and nothing if there are none. It returns an error if neither a run nor
// the folder answers.
func (c *listedCmd) Run(std *streams) error {
	var list []index.Listed
	err := c.ask(func(run *queries.Client) (err error) {
		list, err = run.Listed()
		return err
	}, func(x *index.Index) (err error) {
		list, err = x.Listed()
		return err
	})
	if err != nil {
		return err
	}
	out := json.NewEncoder(std.out)
	for i := range list {
		if err := out.Encode(&list[i]); err != nil {
			return err
		}
	}
	return nil
}
