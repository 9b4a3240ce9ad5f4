package reach

import (
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// Names of steps that follow from a right on another object.
const (
	ControlsDomain = "ControlsDomain" // from control of the head of the domain, or DCSync
	SDProp         = "SDProp"         // from control of AdminSDHolder
)

var (
	controlsDomain = word{name: ControlsDomain}
	sdProp         = word{name: SDProp}
)

// Derived reports whether a right of a step is in truth a right on another object, the domain head or AdminSDHolder.
// These are ControlsDomain and SDProp.
func Derived(right string) bool { return right == ControlsDomain || right == SDProp }

// root is a domain: its head object and its AdminSDHolder, through which all accounts of the domain can be
// controlled.
type root struct {
	suffix       string // of the upper-case paths below the head
	head, holder int    // indexes of the objects, -1: there is none
}

// findRoots finds the domain heads, longest names first, and each object's root. DNS zones are no heads. The root is
// -1 for a head and for an object outside all domains. It also sets whether SDProp protects an object, which needs an
// AdminSDHolder in its domain. An error means that a group's token cannot be built.
func (s *Search) findRoots() error {
	s.roots = nil
	for i := range s.Objects {
		path := strings.ToUpper(s.Objects[i].Path)
		zone := strings.HasPrefix(path, "DC=DOMAINDNSZONES,") || strings.HasPrefix(path, "DC=FORESTDNSZONES,")
		if s.about[i].kind == domain && !zone {
			s.roots = append(s.roots, root{"," + path, i, -1})
		}
	}
	slices.SortStableFunc(s.roots, func(a, b root) int { return len(b.suffix) - len(a.suffix) })
	for i := range s.Objects {
		path := strings.ToUpper(s.Objects[i].Path)
		s.about[i].root = slices.IndexFunc(s.roots, func(r root) bool { return strings.HasSuffix(path, r.suffix) })
		if r := s.about[i].root; r >= 0 && path == "CN=ADMINSDHOLDER,CN=SYSTEM"+s.roots[r].suffix {
			s.roots[r].holder = i
		}
	}
	for _, r := range s.roots {
		s.about[r.head].root = -1
	}
	nobody, err := token.New(token.StandardUser(sid.Anonymous))
	for i := 0; i < len(s.about) && err == nil; i++ {
		if o := &s.about[i]; o.root >= 0 && s.roots[o.root].holder >= 0 {
			o.protected, err = s.protected(o, nobody)
		}
	}
	return err
}

// protectedRIDs and protectedBuiltins are the accounts and groups that SDProp protects (B-77).
var (
	protectedRIDs     = []uint32{500, 502, 512, 516, 518, 519, 521, 526, 527}
	protectedBuiltins = []sid.SID{
		sid.Administrators, sid.AccountOperators, sid.ServerOperators, sid.PrintOperators, sid.BackupOperators,
		sid.MustParse("S-1-5-32-552"),
	}
)

// protected reports whether SDProp protects an account or group (B-77). It protects the listed groups, and users and
// groups in them, but no computers. Without a domain only the built-in groups count. nobody is a token without these
// groups. An error means that a group's token cannot be built.
func (s *Search) protected(o *subject, nobody *token.Token) (is bool, err error) {
	d := s.Directory.Domain
	if slices.Contains(protectedBuiltins, o.sid) {
		return true, nil
	}
	if !d.IsZero() && !o.sid.IsZero() && o.sid.Prefix() == d && slices.Contains(protectedRIDs, o.sid.RID()) {
		return true, nil
	}
	t := nobody
	switch {
	case o.group:
		if t, err = s.Directory.Join(nobody, o.sid); err != nil {
			return false, err
		}
	case o.user >= 0 && !o.computer:
		t = s.tokenOf(o.user)
	}
	return slices.ContainsFunc(protectedBuiltins, func(g sid.SID) bool { return t.Member(g, false) }) ||
		!d.IsZero() && slices.ContainsFunc(protectedRIDs, func(r uint32) bool { return t.Member(d.WithRID(r), false) }), nil
}

// controls reports whether a right on a domain head or an AdminSDHolder gives control of the accounts behind it: the
// right to change its permissions, or on the head to replicate the passwords. name is the word of the right.
func controls(name string) bool {
	return slices.Contains([]string{genericAll, writeDacl, writeOwner, dcSync}, name)
}

// controllers returns the hands that control a domain head or AdminSDHolder, and through it the accounts behind it.
// They can change its permissions or its owner, or replicate the passwords. It caches the result for each object. The
// caller must not change it.
func (a *asker) controllers(object int) (effective.Set, error) {
	if set, ok := a.control[object]; ok {
		return set, nil
	}
	answers, err := a.askOwn(object)
	if err != nil {
		return nil, err
	}
	all := make(effective.Set, (len(a.tokens)+63)/64)
	for _, x := range answers {
		if !controls(x.name) {
			continue
		}
		for h := range x.set.All() {
			if then := x.then[h]; then.word == nil || controls(then.name) {
				all[h/64] |= 1 << (h % 64)
			}
		}
	}
	a.control[object] = all
	return all, nil
}

// ask returns, for each right that can be a step on an object, the hands that have it: on the object itself, through
// the head of its domain (B-76) or through AdminSDHolder (B-77). An object without a domain head has only its own
// hands.
func (a *asker) ask(object int) ([]answer, error) {
	answers, err := a.askOwn(object)
	about := &a.search.about[object]
	if err != nil || about.root < 0 {
		return answers, err
	}
	r := &a.search.roots[about.root]
	set, err := a.controllers(r.head)
	if err != nil {
		return nil, err
	}
	answers = append(answers, answer{kindWord: kindWord{word: &controlsDomain}, set: set})
	if r.holder < 0 || !about.protected {
		return answers, nil
	}
	set, err = a.controllers(r.holder)
	return append(answers, answer{kindWord: kindWord{word: &sdProp}, set: set}), err
}

// derivation explains a step that follows from a right on the domain head or AdminSDHolder. It returns the first such
// right and the accounts that grant it. t is the token of the step e. If the access check does not confirm the right,
// that is an error.
func (s *Search) derivation(e *edge, t *token.Token) (by []string, grants []Grant, err error) {
	r := &s.roots[s.about[e.object].root]
	object := r.head
	if e.word == &sdProp {
		object = r.holder
	}
	answers, err := s.askerOf([]*token.Token{t}).askOwn(object)
	if err != nil {
		return nil, nil, err
	}
	for _, x := range answers {
		if then := x.then[0]; !controls(x.name) || !x.set.Has(0) || then.word != nil && !controls(then.name) {
			continue
		}
		by, grants, err = s.deciders(&edge{object: object, kindWord: x.kindWord, then: x.then[0]}, t)
		text := fmt.Sprintf("%s on %s (%s)", x.name, s.Objects[object].Path, strings.Join(by, " and "))
		return []string{text}, grants, err
	}
	return nil, nil, fmt.Errorf("%s: the search found the right %s, but the access check denies it: "+
		"please report this as a defect", s.Objects[e.object].Path, e.name)
}
