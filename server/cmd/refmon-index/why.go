package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/queries"
	"github.com/refmon/refmon/sid"
)

type whyCmd struct {
	canReadCmd `embed:""`
}

// Run prints the answer and the evidence for it. It returns errNo unless the answer is yes. With --json it prints the
// answer alone. Without evidence it prints the answer alone too. A right that the index does not have is an error.
func (c *whyCmd) Run(std *streams) error {
	about, q, err := c.about(c.Right, c.Limit)
	if err != nil {
		return err
	}
	var e index.Evidence
	err = c.ask(func(run *queries.Client) (err error) {
		e, err = run.Evidence(c.document(), about)
		return err
	}, func(x *index.Index) error {
		e = x.Evidence(c.document(), q)
		return x.CheckRight(q.Right)
	})
	if err != nil {
		return err
	}
	said := c.print(std, e.Answer)
	if e.Right == "" || c.JSON {
		return said
	}
	fmt.Fprintf(std.out, "\nright       %s\nclass       %s\ndescriptor  %s\nof          %s\n", e.Right, e.Answer.Class,
		e.Descriptor, e.Answer.Descriptor)
	if e.Share != "" {
		fmt.Fprintf(std.out, "share       %s\n", e.Share)
	}
	if r := e.Refused; r != nil {
		fmt.Fprintf(std.out, "refused by  %s\n", r)
	}
	for i, clause := range e.Expression {
		word := "and"
		if i == 0 {
			word = "members"
		}
		fmt.Fprintf(std.out, "%-11s %s\n", word, inWords(clause))
	}
	fmt.Fprintf(std.out, "directory   %s\nevent       %d\nas of       %s\n", e.Directory, e.Answer.Seq,
		e.Answer.Time.UTC().Format(time.RFC3339Nano))
	return said
}

// inWords explains one clause of a class's expression to people: its terms in their order, each as allow or deny with
// the SID and the name of a SID that every computer has. The term * is everybody. An empty clause is nobody.
func inWords(clause []string) string {
	if len(clause) == 0 {
		return "nobody"
	}
	terms := make([]string, len(clause))
	for i, term := range clause {
		verb, id := "allow ", strings.TrimPrefix(term, "+")
		if rest, ok := strings.CutPrefix(term, "-"); ok {
			verb, id = "deny ", rest
		}
		if id == "*" {
			id = "everybody"
		}
		terms[i] = verb + id
		if s, err := sid.Parse(id); err == nil && sid.Name(s) != "" {
			terms[i] += " (" + sid.Name(s) + ")"
		}
	}
	return "first match of: " + strings.Join(terms, ", ")
}
