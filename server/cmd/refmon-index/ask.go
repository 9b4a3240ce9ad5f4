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

// asked are the flags of verbs that ask.
type asked struct {
	State string        `help:"The folder of the index." required:"" placeholder:"DIR"`
	Limit time.Duration `help:"Nothing is given that was last vouched for longer ago." default:"10s"`
}

func (a *asked) open() (*index.Index, error) { return index.Open(a.State, a.Limit) }

type canReadCmd struct {
	Document string `arg:"" help:"The document, by its path."`
	Who      string `arg:"" optional:"" help:"The person, by name or SID."`
	Token    string `help:"Ask for the token in FILE instead of a person." placeholder:"FILE"`
	Right    string `help:"The right, of those that are kept; the first unless it is given." short:"w"`
	JSON     bool   `help:"Print the answer with its evidence, as JSON." name:"json"`
	asked    `embed:""`
}

// Run answers yes or no.
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
	return c.say(std, a)
}

// answer asks for the person or for the token.
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

func (c *canReadCmd) say(std *streams, a index.Answer) error {
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

// Run answers, and prints what it was decided by.
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
	said := c.say(std, a)
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

// text returns the SDDL of what decides, or why there is no such text.
func text(d *sd.Descriptor) string {
	out, err := sddl.Format(d, sddl.Options{})
	if err != nil {
		return err.Error()
	}
	return out
}

type filterCmd struct {
	Who   string `arg:"" optional:"" help:"The person, by name or SID."`
	Token string `help:"Ask for the token in FILE instead of a person." placeholder:"FILE"`
	Form  string `help:"list: one a line; bitmap, sids: JSON with evidence." enum:"list,bitmap,sids" default:"list"`
	Right string `help:"The right." short:"w" default:"read"`
	asked `embed:""`
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

// printed prints a filter as JSON, unless it failed.
func printed(std *streams, err error, f index.Filter) error {
	if err != nil {
		return nil
	}
	return json.NewEncoder(std.out).Encode(f)
}

// readToken reads a token file; nil for no name.
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
	After  uint64 `help:"Only changes after this number, the last that you have." placeholder:"N"`
	Follow bool   `help:"Go on with those that come, until SIGINT or SIGTERM." short:"f"`
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
	asked `embed:""`
}

// Run prints the counts.
func (c *statusCmd) Run(std *streams) error {
	x, err := c.open()
	if err != nil {
		return err
	}
	defer func() { _ = x.Close() }() // only read
	n, err := x.Counts()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "documents   %d\nunreadable  %d, of no one\n"+
		"unnamed     %d, of no one: their paths are not UTF-8\nclasses     %d\npeople      %d\n"+
		"listed      %d classes of %d documents have people whom no list of SIDs tells: refmon-index listed\n",
		n.Documents, n.Unreadable, n.Unnamed, n.Classes, n.People, n.Listed, n.ListedDocuments)
	return err
}

type listedCmd struct {
	asked `embed:""`
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
