package main

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/verbs/batch"
	"github.com/refmon/refmon/internal/verbs/bulk/shares"
	"github.com/refmon/refmon/winnt"
)

// guarded asks the configuration of a share, and then the object for whom it says.
func (c *accessCmd) guarded(std *streams, guard *shares.Guard, who int, q *batch.Question) error {
	v, err := guard.Decide(who)
	if err != nil {
		return err
	}
	q.Request.Subject = access.SubjectOf(v.As)
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
		line, err := json.Marshal(map[string]any{"id": "share", "left": v.Left.Padded(), "why": v.Steps})
		if err != nil {
			return err
		}
		answer, err := q.Append(nil, []byte(strconv.Quote("object")))
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(std.out, "%s\n%s\n", line, answer); err != nil {
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
		text += std.paint(bold, "object:") + " " + std.shown(a.Why)
	}
	if _, err := fmt.Fprint(std.out, text); err != nil {
		return err
	}
	return verdict(allowed)
}
