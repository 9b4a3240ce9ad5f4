package effective_test

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/questions"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
)

// company draws a configuration, tokens, a question about them and a maker of
// descriptors: of this package's world, or of the one that the access check is
// tested with, which has every rare feature. There are few tokens as a rule, for
// each configuration is asked about all of them.
func (w world) company() (cfg effective.Config, tokens []*token.Token, q effective.Question,
	descriptor func() *sd.Descriptor) {
	n := 1 + w.IntN(1+w.IntN(1+w.IntN(150)))
	if w.one(5) {
		cfg, tokens, q = w.small(n)
		return cfg, tokens, q, w.descriptor
	}
	other := questions.World{Rand: w.Rand}
	for range n {
		tokens = append(tokens, must(token.New(other.Spec())))
	}
	r := other.Request(nil, tokens[0], tokens[0])
	r.Options.ClaimsDisabled = w.one(10)
	cfg = effective.Config{Policies: r.Policies, Options: r.Options}
	q = effective.Question{Type: r.Type, Self: r.Self, ObjectTypes: r.ObjectTypes}
	for range 1 + w.IntN(4) {
		q.Rights = append(q.Rights, other.Request(nil, tokens[0], tokens[0]).Desired)
	}
	return cfg, tokens, q, other.Descriptor
}

// small draws of this package's world.
func (w world) small(n int) (cfg effective.Config, tokens []*token.Token, q effective.Question) {
	if w.one(3) {
		cfg.Policies = w.policies()
	}
	cfg.Options.ADOwnerReadOnly = w.one(8)
	cfg.Options.ClaimsDisabled = w.one(8)
	if w.one(8) {
		cfg.Options.Callback = func(a sd.ACE,
			t *token.Token) claims.Truth {
			return claims.Truth(len(a.AppData()) % 3)
		}
	}
	tokens = w.tokens(n)
	q = effective.Question{Type: pick(w, worldTypes)}
	for range 1 + w.IntN(4) {
		q.Rights = append(q.Rights, pick(w, worldDesired))
	}
	if w.one(3) {
		q.Self = pick(w, worldSIDs)
	}
	switch w.IntN(20) {
	case 0, 1:
		q.ObjectTypes = []access.ObjectTypeEntry{
			{GUID: worldGUIDs[0]}, {Level: 1, GUID: worldGUIDs[1]}, {Level: 1, GUID: worldGUIDs[2]},
		}
	case 2, 3, 4, 5, 6: // a chain
		for i, at := range w.Perm(len(worldGUIDs))[:1+w.IntN(3)] {
			q.ObjectTypes = append(q.ObjectTypes, access.ObjectTypeEntry{Level: uint16(i), GUID: worldGUIDs[at]})
		}
	}
	return cfg, tokens, q
}
