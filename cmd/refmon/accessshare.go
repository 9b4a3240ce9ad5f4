package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects/shares"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// guarded decides about an object behind a share with a configuration, and prints the decisions. A denial gives
// errDenied. The account that the share uses is checked, first at the folders on the path. Neither folders nor the
// object limit root. A maximum request without a common right is denied.
func (c *accessCmd) guarded(std *streams, guard *shares.Guard, dir *directory.Directory, who int,
	q *accessquery.Query, path string) error {
	v, err := guard.Decide(who)
	if err != nil {
		return err
	}
	q.Request.Subject = access.SubjectOf(v.As)
	if !v.Root { // the server checks the traverse right for the user who opens the file
		if err := c.refusedOnTheWay(std, q.Request.Subject, path, nil); err != nil {
			return err
		}
	}
	a, err := q.Ask()
	if err != nil {
		return err
	}
	t := q.Request.Type
	granted, refused, object := left(&v, q, &a)
	maximum := q.Request.Desired&winnt.MAXIMUM_ALLOWED != 0
	allowed := object && refused == 0 && (!maximum || granted != 0)
	if c.JSON {
		if err := printGuarded(std, &v, q, &a); err != nil {
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
		text += "  " + inLine(step) + "\n"
	}
	if text += "\n"; v.Root {
		text += std.paint(bold, "object:") + " not asked\n"
	} else {
		text += std.paint(bold, "object:") + " " + std.shown(a.Why, namesOf(dir))
	}
	text += noteText(q.Note)
	if _, err := fmt.Fprint(std.out, text); err != nil {
		return err
	}
	if !object {
		if err := std.denied(&denial{by: " by the object", want: c.Want, why: a.Why, request: &q.Request,
			nameOf: namesOf(dir)}); err != nil {
			return err
		}
	}
	return verdict(allowed)
}

// both decides about the share and then the object, and prints which one denied. It returns errDenied if one did, or if
// no right is granted by both. With --json it prints a row for each, with the id "share" or "object".
func (c *accessCmd) both(std *streams, dir *directory.Directory, share *sd.Descriptor,
	object *accessquery.Query) error {
	gate := *object
	gate.Request.Descriptor, gate.Note = share, ""
	names := [2]string{"share", "object"}
	var text string
	var refused []string
	var denials []denial
	granted, maximum := ^winnt.AccessMask(0), object.Request.Desired&winnt.MAXIMUM_ALLOWED != 0
	for i, q := range [2]*accessquery.Query{&gate, object} {
		a, err := q.Ask()
		if err != nil {
			return fmt.Errorf("%s: %w", names[i], err)
		}
		if granted &= a.Granted; !a.Allowed() {
			refused = append(refused, "the "+names[i])
			denials = append(denials, denial{by: " by the " + names[i], want: c.Want, why: a.Why, request: &q.Request,
				nameOf: namesOf(dir)})
		}
		if c.JSON {
			line, err := batch.Append(nil, []byte(strconv.Quote(names[i])), q)
			if err != nil {
				return err
			}
			text += string(line) + "\n"
			continue
		}
		text += "\n" + std.paint(bold, names[i]+":") + " " + std.shown(a.Why, namesOf(dir))
	}
	allowed := len(refused) == 0 && granted != 0
	first := std.paint(green, "GRANTED "+granted.String()) + " by the share and the object"
	switch {
	case len(refused) > 0:
		first = std.paint(red, "DENIED") + " by " + strings.Join(refused, " and by ")
	case !allowed && maximum:
		first = std.paint(red, "DENIED") + ": the share and the object have no right in common"
	}
	if !c.JSON {
		text = first + "\n" + text + noteText(object.Note)
	}
	if _, err := fmt.Fprint(std.out, text); err != nil {
		return err
	}
	if !c.JSON {
		d := object.Request.Descriptor
		if err := std.printNames(d, object.Request.Subject.Effective().User().SID, namesOf(dir)); err != nil {
			return err
		}
		for i := range denials {
			if err := std.denied(&denials[i]); err != nil {
				return err
			}
		}
	}
	return verdict(allowed)
}

// left combines the share's decision with the object's: it returns the rights that both grant, those that the object
// grants and the share refuses, and whether the object grants the request. For an account that acts as root the
// object grants everything.
func left(v *shares.Verdict, q *accessquery.Query, a *accessquery.Answer) (granted, refused winnt.AccessMask,
	object bool) {
	t := q.Request.Type
	wanted := t.Mapping.Map(q.Request.Desired &^ winnt.MAXIMUM_ALLOWED)
	granted = a.Granted
	if v.Root {
		granted = asRoot(q).Granted
	}
	return granted & v.Left, wanted &^ v.Left, v.Root || a.Allowed()
}

// asRoot returns the object's decision for an account that acts as root: every right, without a check of the
// descriptor.
func asRoot(q *accessquery.Query) access.Decision {
	t := q.Request.Type
	return access.Grant(t.Mapping.All | t.Mapping.Map(q.Request.Desired&^winnt.MAXIMUM_ALLOWED))
}

// noteKinds returns the note about the kinds of logon after which the answer differs. The share is decided as well. It
// returns "" if neither descriptor depends on the kind of logon. If an answer fails, it returns the error.
func (c *accessCmd) noteKinds(g *gate, dir *directory.Directory, who int, q *accessquery.Query) (string, error) {
	share, err := g.descriptor(dir)
	if err != nil || !dir.DependsOnKind(q.Request.Descriptor) && !dir.DependsOnKind(share) {
		return "", err
	}
	own, err := outcomeOf(g, dir, who, q)
	if err != nil {
		return "", err
	}
	return noteKinds(own, func(k logon.Kind) (outcome, error) {
		other, err := dir.LoggedOn(k)
		if err != nil {
			return outcome{}, err
		}
		again := *q
		if err := choose(g, other, who, &again, c.asked); err != nil {
			return outcome{}, err
		}
		return outcomeOf(g, other, who, &again)
	})
}

// choose sets q to the first of queries that the share and the object grant to the principal with index who. Without
// one it is the first that the object grants, else the first. queries must not be empty.
func choose(g *gate, dir *directory.Directory, who int, q *accessquery.Query, queries []words.Query) error {
	if len(queries) > 1 { // either right of control is enough, but one that both grant (B-2)
		for _, x := range queries {
			q.Request.Desired, q.Request.ObjectTypes = x.Desired, x.Types
			if o, err := outcomeOf(g, dir, who, q); err != nil || o.allowed {
				return err
			}
		}
	}
	return q.Choose(queries)
}

// outcomeOf decides a query for the principal with index who, within the limits of the share. With a share, both must
// allow access and have a right in common, and granted has the common rights. If the share has a configuration, its
// account decides. Folders on the path are not checked. q stays unchanged.
func outcomeOf(g *gate, dir *directory.Directory, who int, q *accessquery.Query) (o outcome, err error) {
	_, guard, share, err := g.before(&streams{out: io.Discard, err: io.Discard}, dir)
	if err != nil {
		return o, err
	}
	plain := *q
	plain.Explain, plain.Request.Subject = false, access.SubjectOf(dir.Principals[who].Token)
	var v shares.Verdict
	if guard != nil {
		if v, err = guard.Decide(who); err != nil {
			return o, err
		}
		plain.Request.Subject = access.SubjectOf(v.As)
	}
	a, err := plain.Ask()
	if err != nil {
		return o, err
	}
	o = outcome{a.Allowed(), a.Granted}
	switch {
	case guard != nil:
		granted, refused, object := left(&v, q, &a)
		o = outcome{object && refused == 0 && granted != 0, granted}
	case share != nil:
		plain.Request.Descriptor = share
		if a, err = plain.Ask(); err != nil {
			return o, err
		}
		common := o.granted & a.Granted
		o = outcome{o.allowed && a.Allowed() && common != 0, common}
	}
	return o, nil
}

// printGuarded prints the rights that the share allows and the object's decision a as JSON lines. For an account that
// acts as root that decision grants everything (F-108). After an error of the answer it prints nothing.
func printGuarded(std *streams, v *shares.Verdict, q *accessquery.Query, a *accessquery.Answer) error {
	line, err := json.Marshal(map[string]any{"id": "share", "left": v.Left.Padded(), "why": v.Steps})
	if err != nil {
		return err
	}
	if v.Root {
		a = &accessquery.Answer{Decision: asRoot(q)}
	}
	answer, err := batch.AppendAnswer(nil, []byte(strconv.Quote("object")), q, a)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "%s\n%s\n", line, answer)
	return err
}
