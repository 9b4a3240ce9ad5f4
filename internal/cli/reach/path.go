package reach

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Path is an attack path: the steps by which a principal gains control of an object.
type Path struct {
	Object string `json:"object"`
	Steps  []Step `json:"steps"`
}

// Step is one step of a Path: a right of a token on an object, and what the token gains by it.
type Step struct {
	Who    string   `json:"who"`              // whose token has it
	Joined []string `json:"joined,omitempty"` // groups that the user was put into on the way
	Right  string   `json:"right"`
	Object string   `json:"object"`
	By     []string `json:"by"`              // the entries that grant it, or what else does
	Then   string   `json:"then,omitempty"`  // what the user has as the owner, of WriteOwner
	Gives  string   `json:"gives,omitempty"` // the account or group it leads to
}

// Grant is a reason why a right is granted: the account of an entry or of the owner, or a privilege.
type Grant struct {
	Account sid.SID // zero: no account, such as a privilege
	Text    string
}

// paths adds a path to r for each object that the search found, the shortest first. It ends at the first error. Paths
// of equal length stay in the order of the objects.
func (s *Search) paths(r *Result) error {
	for _, e := range s.found {
		if e == nil {
			continue
		}
		p := Path{Object: s.Objects[e.object].Path}
		for ; e != nil; e = s.hands[e.hand].by {
			step, err := s.step(e)
			if err != nil {
				return err
			}
			p.Steps = append(p.Steps, step)
		}
		slices.Reverse(p.Steps)
		r.Paths = append(r.Paths, p)
	}
	slices.SortStableFunc(r.Paths, func(a, b Path) int { return cmp.Compare(len(a.Steps), len(b.Steps)) })
	return nil
}

// step describes a step of the search in words, without the accounts that grant it.
func (s *Search) step(e *edge) (Step, error) {
	step, _, err := s.stepWith(e)
	return step, err
}

// stepWith describes a step of the search in words, and returns the accounts that grant it. With an error the step is
// complete except for By.
func (s *Search) stepWith(e *edge) (Step, []Grant, error) {
	h, about := &s.hands[e.hand], &s.about[e.object]
	step := Step{Who: s.Directory.Principals[h.user].Name, Right: e.name, Object: s.Objects[e.object].Path}
	for _, g := range h.joined {
		step.Joined = append(step.Joined, s.Directory.Name(g))
	}
	if e.then.word != nil {
		step.Then = e.then.name
	}
	switch {
	case about.sid.IsZero():
	case about.group:
		step.Gives = "member of " + s.Directory.Name(about.sid)
		if more := Operator(about.sid); more != "" { // no descriptor shows it (B-46)
			step.Gives += ": " + more
		}
	case about.user >= 0:
		step.Gives = "acts as " + s.Directory.Principals[about.user].Name
	}
	by, grants, err := s.deciders(e, h.token)
	step.By = by
	return step, grants, err
}

// deciders explains a step by an access check of the token t: it returns the entries that grant each part of the
// right, as text and as values. It fails if the check does not grant the step. Equal reasons are listed once.
func (s *Search) deciders(e *edge, t *token.Token) (by []string, grants []Grant, err error) {
	if e.word == &operatorPrivileges {
		o := operatorOf(t)
		text := s.Directory.Name(o.group) + ", which has " + o.by + " on domain controllers by default"
		return []string{text}, []Grant{{o.group, text}}, nil
	}
	if Derived(e.name) {
		return s.derivation(e, t)
	}
	m := s.mannerOf(e.object)
	d, parts := s.Objects[e.object].Descriptor, e.right.Parts(m.typ)
	if e.name == readGMSA {
		m = manner{typ: winnt.DirectoryServiceObject}
		d = s.about[e.object].managed
	}
	for _, p := range parts {
		dec, x, err := access.Explain(m.request(t, d, p))
		if err != nil {
			return nil, nil, err
		}
		if !dec.Allowed() {
			return nil, nil, fmt.Errorf("%s: %s: the check does not grant what the search found",
				s.Objects[e.object].Path, e.name)
		}
		for _, r := range x.Reasons {
			if text, g := s.reason(r.Reason, d); r.Granted && !slices.Contains(by, text) {
				by, grants = append(by, text), append(grants, g)
			}
		}
	}
	return by, grants, nil
}

// reason describes what granted a right, as text and as a value. For an unknown kind it returns the reason's own text.
// Entries are counted from 0, with People from 1. Grant has no account for a privilege and an unknown kind.
func (s *Search) reason(r access.Reason, d *sd.Descriptor) (string, Grant) {
	switch r.Kind {
	case access.AceAllow:
		a := d.DACL().At(r.Index)
		g := Grant{Account: substituted(a.SID(), d)}
		g.Text = s.Directory.Name(g.Account)
		if on := words.Entry(a); on != "" {
			g.Text += " " + on
		}
		if s.People {
			return fmt.Sprintf("DACL entry %d for %s", r.Index+1, g.Text), g
		}
		return fmt.Sprintf("DACL %d for %s", r.Index, g.Text), g
	case access.Owner:
		text := "owner " + s.Directory.Name(d.Owner())
		return text, Grant{d.Owner(), text}
	case access.Privilege:
		return r.Privilege.String(), Grant{Text: r.Privilege.String()}
	case access.NullDacl:
		return "no DACL", Grant{sid.Everyone, "no DACL"}
	}
	return r.String(), Grant{Text: r.String()}
}

// substituted returns the account behind an entry's SID: the owner of d for OWNER RIGHTS, and s for other SIDs.
func substituted(s sid.SID, d *sd.Descriptor) sid.SID {
	return access.Substitute(s, sid.SID{}, d.Owner())
}
