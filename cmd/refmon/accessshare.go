package main

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects/shares"
	"github.com/refmon/refmon/winnt"
)

// guarded applies the configuration of a share, and then decides about the object for the account that the share
// uses.
func (c *accessCmd) guarded(std *streams, guard *shares.Guard, dir *directory.Directory, who int,
	q *accessquery.Query, path string) error {
	v, err := guard.Decide(who)
	if err != nil {
		return err
	}
	q.Request.Subject = access.SubjectOf(v.As)
	if !v.Root { // the server searches folders as the user who opens the file
		if err := c.refusedOnTheWay(std, q.Request.Subject, path, nil); err != nil {
			return err
		}
	}
	a, err := q.Ask()
	if err != nil {
		return err
	}
	t := q.Request.Type
	maximum := q.Request.Desired&winnt.MAXIMUM_ALLOWED != 0
	wanted := t.Mapping.Map(q.Request.Desired &^ winnt.MAXIMUM_ALLOWED)
	granted := a.Granted
	if v.Root {
		granted = t.Mapping.All | wanted
	}
	granted &= v.Left
	refused := wanted &^ v.Left
	object := v.Root || a.Allowed()
	allowed := object && refused == 0 && (!maximum || granted != 0)
	if c.JSON {
		if err := printGuarded(std, &v, q); err != nil {
			return err
		}
		return verdict(allowed)
	}
	first := std.paint(green, "GRANTED "+granted.String()) + " by the share and the object"
	switch {
	case refused != 0 && !object:
		first = std.paint(red, "DENIED") + " by the share and by the object"
	case refused != 0:
		first = std.paint(red, "DENIED") + " by the share: " + t.Names(refused)
	case !object:
		first = std.paint(red, "DENIED") + " by the object"
	case !allowed:
		first = std.paint(red, "DENIED") + ": the share and the object have no right in common"
	}
	text := first + "\n\n" + std.paint(bold, "share:") + "\n"
	for _, step := range v.Steps {
		text += "  " + printable(step) + "\n"
	}
	if text += "\n"; v.Root {
		text += std.paint(bold, "object:") + " not asked\n"
	} else {
		text += std.paint(bold, "object:") + " " + std.shown(a.Why, namesOf(dir))
	}
	if _, err := fmt.Fprint(std.out, text); err != nil {
		return err
	}
	return verdict(allowed)
}

// printGuarded prints the rights that the share allows and the object's decision as JSON lines.
func printGuarded(std *streams, v *shares.Verdict, q *accessquery.Query) error {
	line, err := json.Marshal(map[string]any{"id": "share", "left": v.Left.Padded(), "why": v.Steps})
	if err != nil {
		return err
	}
	answer, err := batch.Append(nil, []byte(strconv.Quote("object")), q)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "%s\n%s\n", line, answer)
	return err
}
