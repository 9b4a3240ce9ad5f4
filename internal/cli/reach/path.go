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

// Path is the way to an object.
type Path struct {
	Object string `json:"object"`
	Steps  []Step `json:"steps"`
}

// Step is one right that the path uses.
type Step struct {
	Who    string   `json:"who"`              // whose token has it
	Joined []string `json:"joined,omitempty"` // groups that the user was put into on the way
	Right  string   `json:"right"`
	Object string   `json:"object"`
	By     []string `json:"by"`              // the entries that grant it, or what else does
	Then   string   `json:"then,omitempty"`  // what the user has as the owner, of WriteOwner
	Gives  string   `json:"gives,omitempty"` // the account or group it leads to
}

// paths adds the paths to all objects that were found.
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

// step returns the description of an edge.
func (s *Search) step(e *edge) (Step, error) {
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
	case about.user >= 0:
		step.Gives = "acts as " + s.Directory.Principals[about.user].Name
	}
	var err error
	step.By, err = s.deciders(e, h.token)
	return step, err
}

// deciders returns the entries that granted each part of a step.
func (s *Search) deciders(e *edge, t *token.Token) (by []string, err error) {
	m := s.mannerOf(e.object)
	d, parts := s.Objects[e.object].Descriptor, e.right.Parts(m.typ)
	if e.name == readGMSA {
		m = manner{typ: winnt.DirectoryServiceObject}
		d = s.about[e.object].managed
	}
	for _, p := range parts {
		dec, x, err := access.Explain(m.request(t, d, p))
		if err != nil {
			return nil, err
		}
		if !dec.Allowed() {
			return nil, fmt.Errorf("%s: %s: the check does not grant what the search found",
				s.Objects[e.object].Path, e.name)
		}
		for _, r := range x.Reasons {
			if text := s.reason(r.Reason, d); r.Granted && !slices.Contains(by, text) {
				by = append(by, text)
			}
		}
	}
	return by, nil
}

// reason describes what granted a right.
func (s *Search) reason(r access.Reason, d *sd.Descriptor) string {
	switch r.Kind {
	case access.AceAllow:
		a := d.DACL().At(r.Index)
		text := fmt.Sprintf("DACL %d for %s", r.Index, s.Directory.Name(substituted(a.SID(), d)))
		if on := words.Entry(a); on != "" {
			text += " " + on
		}
		return text
	case access.Owner:
		return "owner " + s.Directory.Name(d.Owner())
	case access.Privilege:
		return r.Privilege.String()
	case access.NullDacl:
		return "no DACL"
	}
	return r.String()
}

// substituted returns the owner for OWNER RIGHTS, and s for other SIDs.
func substituted(s sid.SID, d *sd.Descriptor) sid.SID {
	return access.Substitute(s, sid.SID{}, d.Owner())
}
