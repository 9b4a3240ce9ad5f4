package model

import (
	"fmt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
	"reflect"
)

// seen holds the state of a token that was compared last.
type seen struct {
	value   *token.Token
	guard   *sd.Descriptor
	changes int
}

// comparable returns a value that reflect.DeepEqual can compare: an ACL becomes its bytes.
func comparable(x any) any {
	if l, ok := x.(*sd.ACL); ok {
		if l == nil {
			return ""
		}
		return l.Binary()
	}
	return x
}

// compareQueries compares the results of a query of each class of a token.
func (p *Pair) compareQueries(t *Token) error {
	o := p.tokens[t.ID-1]
	for class := winnt.TokenInfoClass(0); class <= winnt.MaxTokenInfoClass+1; class++ {
		if class == winnt.TokenLinkedToken {
			continue
		}
		want, _, st := p.queryToken(t, class)
		got, gotStatus := p.modes[0].SeQueryInformationToken(o, class)
		if got = comparable(got); gotStatus != st || !reflect.DeepEqual(got, want) {
			return fmt.Errorf("class %d: kernel %s %+v, model %s %+v", class, gotStatus, got, st, want)
		}
	}
	k, v := p.modes[0], &t.Value
	for name, same := range map[string]bool{
		"SeTokenIsAdmin":               k.SeTokenIsAdmin(o) == v.admin(),
		"SeTokenIsRestricted":          k.SeTokenIsRestricted(o) == v.restricted(),
		"SeTokenIsWriteRestricted":     k.SeTokenIsWriteRestricted(o) == v.Writing,
		"SeTokenType":                  k.SeTokenType(o) == v.Type,
		"SeTokenImpersonationLevel":    k.SeTokenImpersonationLevel(o) == v.Level,
		"SeQueryAuthenticationIdToken": k.SeQueryAuthenticationIdToken(o) == winnt.LUID(v.Logon),
		"SeQuerySessionIdToken":        k.SeQuerySessionIdToken(o) == v.Session,
	} {
		if !same {
			return fmt.Errorf("%s differs for %s", name, v)
		}
	}
	parent := winnt.LUID(0)
	if t.Value.Parent != nil {
		if p.tokens[t.Value.Parent.ID-1] == nil {
			return nil // it stood between two jobs and was never seen
		}
		parent = p.tokens[t.Value.Parent.ID-1].ID()
	}
	if got := o.Value().ParentTokenID(); got != parent {
		return fmt.Errorf("ParentTokenId: kernel %d, model %d", got, parent)
	}
	return nil
}

// compareGuard compares a descriptor with the model's.
func compareGuard(got *sd.Descriptor, want *Descriptor) error {
	if got == nil || want == nil {
		if got != nil || want != nil {
			return fmt.Errorf("a descriptor: kernel %t, model %t", got != nil, want != nil)
		}
		return nil
	}
	dacl, sacl := comparable(list(want.Entries, !want.NoDACL)), comparable(want.sacl())
	if got.Owner() != sids[want.Owner] || got.Group() != sids[want.Group] || comparable(got.DACL()) != dacl ||
		comparable(got.SACL()) != sacl {
		return fmt.Errorf("descriptor: kernel owner %s group %s dacl %v sacl %v, model group %s, %s", got.Owner(),
			got.Group(), got.DACL(), got.SACL(), want.Group, want)
	}
	return nil
}
