package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/token"
)

// queryFlags has the flags of commands that query an index.
type queryFlags struct {
	State string        `help:"The folder of the index." required:"" placeholder:"DIR"`
	Limit time.Duration `help:"The greatest age of a heartbeat; older data is not used." default:"10s"`
}

func (a *queryFlags) open() (*index.Index, error) { return index.Open(a.State, a.Limit) }

type canReadCmd struct {
	Document   string `arg:"" help:"The document, by its path."`
	Who        string `arg:"" optional:"" help:"The person, by name or SID."`
	Token      string `help:"Query for the token in FILE instead of a person." placeholder:"FILE"`
	Right      string `help:"The right; the index's first right by default." short:"w"`
	JSON       bool   `help:"Print the result with its evidence as JSON." name:"json"`
	queryFlags `embed:""`
}

// Run prints yes or no. The error errNo sets the exit code.
func (c *canReadCmd) Run(std *streams) error {
	x, err := c.open()
	if err != nil {
		return err
	}
	defer func() { _ = x.Close() }() // only read
	a, err := c.answer(x)
	if err != nil {
		return err
	}
	return c.print(std, a)
}

// answer queries for the person or the token. It returns an error unless exactly one of them is
// given. It makes a relative document name absolute.
func (c *canReadCmd) answer(x *index.Index) (index.Answer, error) {
	if name, err := filepath.Abs(c.Document); err == nil && !strings.HasPrefix(c.Document, "/") {
		c.Document = name // documents are named by absolute paths
	}
	t, err := readToken(c.Token)
	switch {
	case err != nil:
		return index.Answer{}, err
	case (t == nil) == (c.Who == ""):
		return index.Answer{}, errors.New("name a person, or a token by --token")
	case t != nil:
		return x.CanReadAs(c.Document, t, c.Right), nil
	}
	return x.CanRead(c.Document, c.Who, c.Right), nil
}

// print prints an answer, as JSON if JSON is set. It returns errNo unless the answer is yes.
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
		fmt.Fprintln(std.out, "yes")
		return nil
	case a.Because != "":
		fmt.Fprintf(std.out, "no: %s\n", a.Because)
	default:
		fmt.Fprintln(std.out, "no")
	}
	return errNo
}

type whyCmd struct {
	canReadCmd `embed:""`
}

// Run prints the answer and the evidence for it.
func (c *whyCmd) Run(std *streams) error {
	x, err := c.open()
	if err != nil {
		return err
	}
	defer func() { _ = x.Close() }() // only read
	a, err := c.answer(x)
	if err != nil {
		return err
	}
	said := c.print(std, a)
	e, class := x.Why(a)
	if e == nil || c.JSON {
		return said
	}
	fmt.Fprintf(std.out, "\nright       %s\nclass       %s\ndescriptor  %s\nof          %s\n", e.Right, e.ID,
		text(class.Descriptor), a.Descriptor)
	if class.Share != nil {
		fmt.Fprintf(std.out, "share       %s\n", text(class.Share))
	}
	for i, clause := range e.Expression {
		word := "and"
		if i == 0 {
			word = "who"
		}
		fmt.Fprintf(std.out, "%-11s %s\n", word, strings.Join(clause, " "))
	}
	fmt.Fprintf(std.out, "directory   %s\nevent       %d\nas of       %s\n", e.Version, a.Seq,
		a.Time.UTC().Format(time.RFC3339Nano))
	return said
}

// text returns a descriptor as SDDL, or the error.
func text(d *sd.Descriptor) string {
	out, err := sddl.Format(d, sddl.Options{})
	if err != nil {
		return err.Error()
	}
	return out
}

type filterCmd struct {
	Who        string `arg:"" optional:"" help:"The person, by name or SID."`
	Token      string `help:"Query for the token in FILE instead of a person." placeholder:"FILE"`
	Form       string `help:"list: one a line; bitmap, sids: JSON with evidence." enum:"list,bitmap,sids" default:"list"`
	Right      string `help:"The right." short:"w" default:"read"`
	queryFlags `embed:""`
}

// Run prints the filter.
func (c *filterCmd) Run(std *streams) error {
	x, err := c.open()
	if err != nil {
		return err
	}
	defer func() { _ = x.Close() }() // only read
	var f index.Filter
	switch t, failed := readToken(c.Token); {
	case failed != nil:
		return failed
	case (t == nil) == (c.Who == ""):
		return errors.New("filter: name a person, or a token by --token")
	case t != nil:
		f, err = x.FilterOf(t, c.Right, index.Form(c.Form))
	default:
		f, err = x.Filter(c.Who, c.Right, index.Form(c.Form))
	}
	if err != nil || index.Form(c.Form) != index.FormList {
		return errors.Join(err, printed(std, err, f))
	}
	for _, id := range f.Classes {
		fmt.Fprintln(std.out, id)
	}
	return nil
}

// printed prints a filter as JSON unless err is set.
func printed(std *streams, err error, f index.Filter) error {
	if err != nil {
		return nil
	}
	return json.NewEncoder(std.out).Encode(f)
}

// readToken reads a token file; nil if name is empty.
func readToken(name string) (*token.Token, error) {
	if name == "" {
		return nil, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return token.Parse(b)
}

type changesCmd struct {
	After  uint64 `help:"Only changes after this number, the last one received." placeholder:"N"`
	Follow bool   `help:"Continue with new changes until SIGINT or SIGTERM." short:"f"`
	State  string `help:"The folder of the index." required:"" placeholder:"DIR"`
}

// Run prints the changes as lines of JSON.
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

// Help returns the long help of the verb.
func (statusCmd) Help() string {
	return `Prints the age of the last heartbeat of each tree and of the directory, and the counts of the index.

The exit code is 0 if every source is current, 1 if the last heartbeat of a source is older than
--limit, so that its answers are withheld, and 2 if the folder cannot be read.`
}

// Run prints the heartbeats and the counts. It returns errNo if a source has no current heartbeat
// (N-91).
func (c *statusCmd) Run(std *streams) error {
	x, err := c.open()
	if err != nil {
		return err
	}
	defer func() { _ = x.Close() }() // only read
	beats, err := x.Heartbeats()
	if err != nil {
		fmt.Fprintf(std.out, "heartbeat   none: answers are withheld: %v\n", err)
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
	return errors.Join(c.counts(std, x), withheld)
}

// rounded rounds an age for display.
func rounded(age time.Duration) time.Duration { return age.Round(100 * time.Millisecond) }

func (*statusCmd) counts(std *streams, x *index.Index) error {
	n, err := x.Counts()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "documents   %d\nunreadable  %d\n"+
		"unnamed     %d, their paths are not UTF-8\n"+
		"unnameable  %d changes of folders whose paths are too long\nclasses     %d\npeople      %d\n"+
		"listed      %d classes of %d documents have members that no list of SIDs covers: see refmon-index listed\n",
		n.Documents, n.Unreadable, n.Unnamed, n.Unnameable, n.Classes, n.People, n.Listed, n.ListedDocuments)
	return err
}

type listedCmd struct {
	queryFlags `embed:""`
}

// Run prints the classes as lines of JSON.
func (c *listedCmd) Run(std *streams) error {
	x, err := c.open()
	if err != nil {
		return err
	}
	defer func() { _ = x.Close() }() // only read
	list, err := x.Listed()
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
