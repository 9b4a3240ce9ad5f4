package main

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/cli/replay"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/vectors"
	"github.com/refmon/refmon/winnt"
)

// authorization replaces authz.dll: it reads the arguments at the documented offsets for 64-bit Windows, and decides
// with package access.
type authorization struct {
	t        *testing.T
	contexts map[uint64]*token.Spec
	memory   [][]byte // of the request
}

// addressOf is where a buffer is.
func addressOf(b int) uint64 { return uint64(b+1) << 32 }

// at is the memory at an address, nil for NULL.
func (z *authorization) at(address uint64) []byte {
	if address == 0 {
		return nil
	}
	return z.memory[address>>32-1][uint32(address):]
}

func (z *authorization) sid(address uint64) sid.SID {
	s, _, err := sid.Decode(z.at(address))
	check.That(z.t, err == nil, "a SID: %v", err)
	return s
}

func (z *authorization) text(address uint64) string {
	b := z.at(address)
	n := 0
	for b[n] != 0 || b[n+1] != 0 {
		n += 2
	}
	return narrow(b[:n])
}

func (z *authorization) do(r *request) reply {
	p := reply{Return: 1}
	z.memory = nil
	for _, b := range r.Buffers {
		z.memory = append(z.memory, append([]byte(nil), b...))
	}
	for _, x := range r.Fixes {
		le.PutUint64(z.memory[x.Buffer][x.At:], addressOf(x.To)+uint64(x.Offset))
	}
	var a [9]uint64
	for i, x := range r.Args {
		if a[i] = x.N; x.Buffer > 0 {
			a[i] = addressOf(x.Buffer - 1)
		}
	}
	switch r.Proc {
	case "AuthzInitializeResourceManager": // Flags, three callbacks, name, out
		le.PutUint64(z.at(a[5]), 77)
	case "AuthzInitializeContextFromSid": // Flags, UserSid, manager, expiration, LUID, arguments, out
		check.That(z.t, a[0] == 2 && a[2] == 77,
			"%s has the arguments %v, want the flags 2 and the resource manager 77", r.Proc, a)
		z.context(a[6], &token.Spec{User: token.Group{SID: z.sid(a[1])}})
	case "AuthzAddSidsToContext": // context, Sids, SidCount, RestrictedSids, RestrictedSidCount, out
		s := *z.contexts[a[0]]
		s.Groups, s.Restricted = token.AsGiven(z.groups(a[1], a[2])), z.groups(a[3], a[4])
		z.context(a[5], &s)
	case "AuthzModifySids": // context, class, operations, TOKEN_GROUPS
		check.Equal(z.t, a[1], 12, "%s: class", r.Proc)
		z.contexts[a[0]].DeviceGroups = z.groups(a[3]+8, uint64(le.Uint32(z.at(a[3]))))
	case "AuthzModifyClaims": // context, class, operations, claims
		z.claims(a)
	case "AuthzAccessCheck": // Flags, context, request, audit event, descriptor, array, count, reply, out
		z.check(a)
	case "AuthzFreeContext":
		delete(z.contexts, a[0])
	default:
		return reply{Missing: r.Proc}
	}
	p.Buffers = z.memory
	for i := range z.memory {
		p.Bases = append(p.Bases, addressOf(i))
	}
	return p
}

func (z *authorization) context(out uint64, s *token.Spec) {
	id := uint64(1000 + len(z.contexts))
	for z.contexts[id] != nil {
		id++
	}
	z.contexts[id] = s
	le.PutUint64(z.at(out), id)
}

// groups reads SID_AND_ATTRIBUTES, 16 bytes each.
func (z *authorization) groups(address, n uint64) (list []token.Group) {
	for i := range n {
		b := z.at(address + 16*i)
		list = append(list, token.Group{SID: z.sid(le.Uint64(b)), Attributes: le.Uint32(b[8:])})
	}
	return list
}

func (z *authorization) claims(a [9]uint64) {
	head := z.at(a[3]) // Version, Reserved, AttributeCount, pAttributeV1
	var list []claims.Attribute
	for i := range uint64(le.Uint32(head[4:])) {
		b := z.at(le.Uint64(head[8:]) + 32*i) // pName, ValueType, Reserved, Flags, ValueCount, Values
		c := claims.Attribute{Name: z.text(le.Uint64(b)), Type: claims.Type(le.Uint16(b[8:])), Flags: le.Uint32(b[12:])}
		for j := range uint64(le.Uint32(b[16:])) {
			v := le.Uint64(z.at(le.Uint64(b[24:]) + 8*j))
			switch c.Type {
			case claims.Int64:
				c.Ints = append(c.Ints, int64(v))
			case claims.String:
				c.Strings = append(c.Strings, z.text(v))
			default:
				c.Uints = append(c.Uints, v)
			}
		}
		check.Equal(z.t, le.Uint32(z.at(a[2]+4*i)), 2, "operation")
		list = append(list, c)
	}
	set, err := claims.NewSet(list)
	if err != nil {
		z.t.Error(err)
	}
	if a[1] == 13 {
		z.contexts[a[0]].UserClaims = set
	} else {
		z.contexts[a[0]].DeviceClaims = set
	}
}

func (z *authorization) check(a [9]uint64) {
	s := *z.contexts[a[1]]
	s.Type, s.Level = winnt.TokenImpersonation, winnt.SecurityImpersonation
	t, err := token.New(s)
	if err != nil {
		z.t.Error(err)
		return
	}
	d, err := sd.Decode(z.at(a[4]))
	if err != nil {
		z.t.Error(err)
		return
	}
	q := z.at(a[2]) // DesiredAccess, PrincipalSelfSid at 8, ObjectTypeList at 16, its length at 24
	r := access.Request{Subject: access.SubjectOf(t), Descriptor: d, Desired: winnt.AccessMask(le.Uint32(q)),
		Type: winnt.FileObject}
	if p := le.Uint64(q[8:]); p != 0 {
		r.Self = z.sid(p)
	}
	for i := range uint64(le.Uint32(q[24:])) {
		b := z.at(le.Uint64(q[16:]) + 16*i) // Level, Sbz, ObjectType
		r.ObjectTypes = append(r.ObjectTypes, access.ObjectTypeEntry{Level: le.Uint16(b),
			GUID: winnt.GUID(z.at(le.Uint64(b[8:]))[:16])})
	}
	answer := z.at(a[7]) // ResultListLength, GrantedAccessMask at 8, SaclEvaluationResults at 16, Error at 24
	put := func(i int, dec access.Decision) {
		code := uint32(0)
		switch dec.Status() {
		case ntstatus.Success:
		case ntstatus.PrivilegeNotHeld:
			code = 1314
		default:
			code = 5
		}
		le.PutUint32(z.at(le.Uint64(answer[8:]))[4*i:], uint32(dec.Granted))
		le.PutUint32(z.at(le.Uint64(answer[24:]))[4*i:], code)
	}
	if le.Uint32(answer) > 1 {
		results, _, err := access.CheckResultList(&r)
		if err != nil {
			z.t.Error(err)
		}
		for i, n := range results {
			put(i, access.Decision{Verdict: n.Verdict, Granted: n.Granted})
		}
		return
	}
	dec, err := access.SeAccessCheck(&r)
	if err != nil {
		z.t.Error(err)
	}
	put(0, dec)
}

// Run every access vector that does not need a token.
func TestAuthzAgreesWithAccessVectors(t *testing.T) {
	z := &authorization{t: t, contexts: map[uint64]*token.Spec{}}
	a := &asker{do: z.do, tokens: replay.OwnToken}
	calls := 0
	for x, err := range vectors.Access() {
		check.NoError(t, err)
		in, want := replay.Fields{}, replay.Fields{}
		check.NoError(t, errors.Join(json.Unmarshal(x.In, &in), json.Unmarshal(x.Out, &want)))
		status, out, err := a.check(in)
		var why *skipError
		if errors.As(err, &why) {
			continue
		}
		check.NoError(t, err)
		calls++
		got := copied(t, out)
		delete(got, "function")
		delete(want, "privilegesUsed")
		got["id"], got["status"] = want["id"], status
		check.That(t, reflect.DeepEqual(got, want), "%v: %s\n got %v\nwant %v", in["id"], x.About, got, want)
	}
	check.That(t, len(z.contexts) == 0, "%d contexts were not freed, want 0", len(z.contexts))
	t.Logf("%d asked", calls)
	check.That(t, calls >= 60, "only %d vectors were asked, want at least 60", calls)
}
