package access

import (
	"testing"

	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A trial of several moves uses the token that exactly these moves make, whatever was tried before.
func TestTrialUsesTokenOfItsMoves(t *testing.T) {
	spec := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1107"))
	own, err := token.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	member := func(s sid.SID) move {
		return move{what: says("join"), change: func(p *token.Spec) {
			p.Groups = append(p.Groups, token.Group{SID: s, Attributes: token.GroupDefault})
		}}
	}
	entry := move{what: says("put"), do: func(*trial) {}, undo: func(*trial) {}}
	moves := []move{member(sid.Guests), member(sid.BackupOperators), member(sid.AccountOperators), entry}
	groups := [...]sid.SID{sid.Guests, sid.BackupOperators, sid.AccountOperators}
	r := &Request{Descriptor: sddl.MustParse("O:BAG:SYD:"), Subject: Subject{Primary: own}, Desired: winnt.READ_CONTROL,
		Type: winnt.FileObject}
	x := newTrial(r)
	// Try every combination of at most three moves after every other one.
	var all [][]int
	for set := 1; set < 1<<len(moves); set++ {
		var list []int
		for i := range moves {
			if set>>i&1 != 0 {
				list = append(list, i)
			}
		}
		if len(list) <= maxTogether {
			all = append(all, list)
		}
	}
	for _, before := range all {
		for _, now := range all {
			for _, list := range [][]int{before, now} {
				var chosen []*move
				member := [len(groups)]bool{}
				for _, i := range list {
					chosen = append(chosen, &moves[i])
					if i < len(groups) {
						member[i] = true
					}
				}
				got := x.tokenOf(chosen)
				for i, s := range groups {
					if got.Member(s, false) != member[i] {
						t.Fatalf("token of moves %v, after moves %v: member of %v: %v, want %v", list, before, s,
							got.Member(s, false), member[i])
					}
				}
			}
		}
	}
}
