package reach

import (
	"slices"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// asker finds the rights of hands on objects. A hand is a token that the search can obtain; an asker serves the hands
// of one depth. It caches compiled questions and the control of domain roots.
type asker struct {
	search     *Search
	tokens     []*token.Token
	principals [2]*effective.Principals // the second applies to computers with BlockOwner
	questions  map[manner]*question
	control    map[int]effective.Set // of heads and AdminSDHolders
}

// manner is the cache key of a question: everything about an object but its descriptor that influences the check.
type manner struct {
	kind    kind
	class   winnt.GUID
	typ     *winnt.ObjectType
	self    sid.SID
	blocked bool
}

// question is the compiled list of rights to look for on objects of one manner, with the evaluators that decide them.
type question struct {
	list       []kindWord
	places     [][]words.Place
	evaluators []*effective.Evaluator
}

// newAsker returns an asker that evaluates objects for the hands with indexes from start up to, not including, end.
func (s *Search) newAsker(start, end int) *asker {
	var tokens []*token.Token
	for i := range s.hands[start:end] {
		tokens = append(tokens, s.hands[start+i].token)
	}
	return s.askerOf(tokens)
}

// askerOf returns an asker that evaluates these tokens. With BlockOwner it compiles them a second time, with the
// implicit rights of owners blocked.
func (s *Search) askerOf(tokens []*token.Token) *asker {
	a := &asker{search: s, tokens: tokens, questions: map[manner]*question{}, control: map[int]effective.Set{}}
	a.principals[0] = effective.Compile(a.tokens, effective.Config{})
	if s.BlockOwner {
		a.principals[1] = effective.Compile(a.tokens, effective.Config{Options: options(true)})
	}
	return a
}

// options returns the options of a check. With blocked, the owner of a computer does not get WRITE_DAC from the
// ownership.
func options(blocked bool) access.Options { return access.Options{ADOwnerReadOnly: blocked} }

// mannerOf returns the facts by which an object is evaluated: kind, class, type, and its own SID if its DACL has
// entries for PRINCIPAL SELF.
func (s *Search) mannerOf(object int) manner {
	item, about := &s.Objects[object], &s.about[object]
	m := manner{kind: about.kind, class: about.class, typ: item.Type, blocked: s.BlockOwner && about.computer}
	if item.Descriptor.DACL().Facts()&sd.HasPrincipalSelf != 0 {
		m.self = about.sid
	}
	return m
}

// question returns the compiled rights to look for on objects of a manner. It compiles them on first use. An object
// with its own SID is compiled each time. m.blocked needs a second principal. A caller must not change the result.
func (a *asker) question(m manner) (*question, error) {
	if q := a.questions[m]; q != nil {
		return q, nil
	}
	list, err := a.search.asks(m)
	if err != nil {
		return nil, err
	}
	q := &question{list: list}
	rights := make([]words.Right, len(list))
	for i := range list {
		rights[i] = list[i].right
	}
	p := a.principals[0]
	if m.blocked {
		p = a.principals[1]
	}
	var groups []words.Group
	groups, q.places = words.Divide(rights, m.typ)
	for _, g := range groups {
		e, err := effective.NewEvaluator(p, effective.Question{
			Type: m.typ, Rights: g.Masks, Self: m.self, ObjectTypes: g.Types,
		})
		if err != nil {
			return nil, err
		}
		q.evaluators = append(q.evaluators, e)
	}
	if m.self.IsZero() { // with a self SID the evaluators serve only one object
		a.questions[m] = q
	}
	return q, nil
}

// askOwn returns which tokens have each right on an object that can be a step of a path. Only the object's own
// descriptor decides. The strongest right comes first. On a domain controller, rights of the operators' groups are
// included. An answer may have no tokens.
func (a *asker) askOwn(object int) ([]answer, error) {
	s := a.search
	item := &s.Objects[object]
	q, err := a.question(s.mannerOf(object))
	if err != nil {
		return nil, err
	}
	var sets [][]effective.Set
	for _, e := range q.evaluators {
		sets = append(sets, e.Allowed(item.Descriptor))
	}
	answers := make([]answer, 0, len(q.list))
	var dacl effective.Set
	for i, w := range q.list {
		all := answer{kindWord: w}
		for n, p := range q.places[i] {
			switch set := sets[p.Group][p.Mask]; n {
			case 0:
				all.set = slices.Clone(set)
			default:
				for k := range all.set {
					all.set[k] &= set[k]
				}
			}
		}
		switch w.name {
		case writeDacl:
			dacl = all.set
		case writeOwner:
			if err := a.owners(object, &all, dacl); err != nil {
				return nil, err
			}
		case readGMSA:
			if all.set, err = a.readers(object, w); err != nil {
				return nil, err
			}
		}
		answers = append(answers, all)
	}
	return a.operators(object, answers), nil
}

// owners keeps in all, the answer for WriteOwner, only the tokens that gain by taking ownership. An owner may write
// the DACL unless entries for OWNER RIGHTS say otherwise. The tokens in dacl can already write the DACL and
// are removed. all.then gets the right that each remaining token has as the owner.
func (a *asker) owners(object int, all *answer, dacl effective.Set) error {
	all.then = map[int]kindWord{}
	for i, w := range dacl {
		all.set[i] &^= w
	}
	for h := range all.set.All() {
		then, err := a.search.asOwner(object, a.tokens[h])
		if err != nil {
			return err
		}
		if then.word == nil {
			all.set[h/64] &^= 1 << (h % 64)
			continue
		}
		all.then[h] = then
	}
	return nil
}

// asOwner returns the strongest right that a token would have on an object if its user owned the object. It returns a
// kindWord without a word if it would have none.
func (s *Search) asOwner(object int, t *token.Token) (kindWord, error) {
	m := s.mannerOf(object)
	list, err := s.asks(m)
	if err != nil {
		return kindWord{}, err
	}
	d := owned(s.Objects[object].Descriptor, t.User().SID)
	for _, w := range list {
		if w.name == writeOwner || w.name == readGMSA {
			continue
		}
		all := true
		for _, p := range w.right.Parts(m.typ) {
			dec, err := access.SeAccessCheck(m.request(t, d, p))
			if err != nil {
				return kindWord{}, err
			}
			all = all && dec.Allowed()
		}
		if all {
			return w, nil
		}
	}
	return kindWord{}, nil
}

// request returns the access check of one token for one part of a right on an object of this manner. d is the
// object's descriptor.
func (m *manner) request(t *token.Token, d *sd.Descriptor, p words.Part) *access.Request {
	return &access.Request{
		Descriptor: d, Subject: access.Subject{Primary: t}, Desired: p.Mask, Type: m.typ, Self: m.self,
		ObjectTypes: p.List(), Options: options(m.blocked),
	}
}

// readers returns the hands that can read the password of a group managed service account. w is the right to read it.
// The descriptor in msDS-GroupMSAMembership decides, not the object's (B-10). Without that descriptor nobody can.
func (a *asker) readers(object int, w kindWord) (effective.Set, error) {
	part := w.right.Parts(winnt.DirectoryServiceObject)[0]
	e, err := effective.NewEvaluator(a.principals[0], effective.Question{
		Type: winnt.DirectoryServiceObject, Rights: []winnt.AccessMask{part.Mask},
	})
	if err != nil {
		return nil, err
	}
	return e.Allowed(a.search.about[object].managed)[0], nil
}
