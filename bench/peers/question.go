package main

import (
	"fmt"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// kind is the kind of a question.
type kind uint8

const (
	oneRight kind = iota // FILE_READ_DATA
	maximum              // MAXIMUM_ALLOWED
	onceUsed             // FILE_READ_DATA, from bytes that are decoded for it
)

// question is one row group of the table.
type question struct {
	name string
	kind kind
	sids int // in the token
}

var questions = []question{
	{"one right, 10 entries × 20 SIDs", oneRight, 20},
	{"one right, 10 × 200", oneRight, 200},
	{"MAXIMUM_ALLOWED, 10 × 20", maximum, 20},
	{"MAXIMUM_ALLOWED, 10 × 200", maximum, 200},
	{"one right from bytes used once, 10 × 20", onceUsed, 20},
}

const (
	entries = 10
	mask    = winnt.FILE_ALL_ACCESS // of each entry
)

// desired returns the access that a question of the kind asks for: MAXIMUM_ALLOWED for the kind maximum, else
// FILE_READ_DATA.
func (k kind) desired() winnt.AccessMask {
	if k == maximum {
		return winnt.MAXIMUM_ALLOWED
	}
	return winnt.FILE_READ_DATA
}

// input holds the common input of all engines: the same SIDs in the same order. It is immutable after newInput.
type input struct {
	question
	token  []sid.SID // the user first
	acl    []sid.SID // trustee of each entry
	raw    []byte    // the descriptor, self-relative
	member bool      // the token has the group of the last entry
}

var domain = sid.MustParse("S-1-5-21-1004336348-1177238915-682003330")

// newInput builds the token and the descriptor of a question. Without member the token is not in the deciding group,
// and the answer is no.
func newInput(q question, member bool) (*input, error) {
	in := &input{question: q, member: member}
	in.token = []sid.SID{domain.WithRID(1107), sid.Everyone, sid.AuthenticatedUsers, sid.Users, domain.WithRID(513)}
	for i := uint32(0); len(in.token) < q.sids; i++ {
		in.token = append(in.token, domain.WithRID(5000+i))
	}
	var aces []sd.ACE
	for i := range uint32(entries) {
		who := domain.WithRID(900000 + i)
		if i == entries-1 && member {
			who = in.token[q.sids/2]
		}
		a, err := sd.NewACE(sd.AccessAllowed, 0, mask, who)
		if err != nil {
			return nil, fmt.Errorf("build entry %d: %w", i, err)
		}
		in.acl, aces = append(in.acl, who), append(aces, a)
	}
	l, err := sd.NewACL(aces...)
	if err != nil {
		return nil, fmt.Errorf("build the list: %w", err)
	}
	in.raw = sd.New(sd.Parts{Owner: sid.Administrators, Group: sid.LocalSystem, DACL: l}).Binary()
	return in, nil
}

// rights are the bits of the mask, one by one, for engines that know rights by
// name.
func rights() []winnt.AccessMask {
	var out []winnt.AccessMask
	for b := winnt.AccessMask(1); b != 0; b <<= 1 {
		if mask&b != 0 {
			out = append(out, b)
		}
	}
	return out
}

// rightName is the documented name of a bit.
func rightName(b winnt.AccessMask) string { return winnt.FileObject.RightName(b) }
