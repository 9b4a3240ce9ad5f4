package main

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/cli/replay"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Information classes of AuthzModifyClaims and AuthzModifySids.
const (
	contextDeviceSIDs   = 12
	contextUserClaims   = 13
	contextDeviceClaims = 14
)

// authz answers a vector by AuthzAccessCheck. The SIDs and claims need not exist, so any process can ask. A vector
// that AuthZ cannot express is a skipError: see checkAuthzSupport. A failed call is an error.
func (a *asker) authz(v *vector) (string, replay.Fields, error) {
	if err := checkAuthzSupport(v); err != nil {
		return "", nil, err
	}
	ctx, err := a.context(v.token)
	if err != nil {
		return "", nil, err
	}
	defer a.do(call("authz.dll", "AuthzFreeContext").num(ctx))
	k := pack("AuthzAccessCheck")
	k.DLL = "authz.dll"
	question := make([]byte, 40) // AUTHZ_ACCESS_REQUEST
	le.PutUint32(question, uint32(v.desired))
	le.PutUint32(question[24:], uint32(len(v.types)))
	q := k.add(question)
	k.point(q, 8, k.sidBuffer(v.self), 0)
	if v.types != nil {
		k.point(q, 16, k.objectTypes(v.types), 0)
	}
	n := 1
	if v.ResultList {
		n = len(v.types)
	}
	answer := k.room(32) // AUTHZ_ACCESS_REPLY
	le.PutUint32(k.Buffers[answer-1], uint32(n))
	granted, sacl, results := k.room(4*n), k.room(4*n), k.room(4*n)
	k.point(answer, 8, granted, 0)
	k.point(answer, 16, sacl, 0)
	k.point(answer, 24, results, 0)
	k.num(0).num(ctx).ptr(q).num(0).ptr(k.add(v.bytes)).num(0).num(0).ptr(answer).num(0)
	if k.err != nil {
		return "", nil, k.err
	}
	p, err := a.callBool("AuthzAccessCheck", k.request)
	if err != nil {
		return "", nil, err
	}
	return verdicts(&p, granted, results, n, v.ResultList, authzStatus, replay.Fields{"function": "AuthzAccessCheck"})
}

// authzStatus returns the status for an error code of the reply. Every code other than success and
// ERROR_PRIVILEGE_NOT_HELD is STATUS_ACCESS_DENIED.
func authzStatus(code uint32) ntstatus.Status {
	switch win32.Code(code).String() {
	case "ERROR_SUCCESS":
		return ntstatus.Success
	case "ERROR_PRIVILEGE_NOT_HELD":
		return ntstatus.PrivilegeNotHeld
	}
	return ntstatus.AccessDenied
}

// checkAuthzSupport returns nil if AuthzAccessCheck can answer a vector. If not, it returns a skipError that names
// the missing feature. Examples are privileges, integrity levels, packages, generic rights, a SACL, a level below
// Impersonation, and a descriptor without owner or group.
func checkAuthzSupport(v *vector) error {
	const want = "needs SeCreateTokenPrivilege: AuthzAccessCheck knows "
	t := v.token
	switch {
	case v.Call != "":
		return skip(want + "none of NtAccessCheck's own rules")
	case v.sd == nil || v.sd.Owner().IsZero() || v.sd.Group().IsZero():
		return skip(want + "only descriptors with owner and group")
	case t.Type() == winnt.TokenImpersonation && t.Level() < winnt.SecurityImpersonation:
		return skip(want + "no level")
	case t.User().Attributes != 0:
		return skip(want + "no user that only denies")
	case t.PrivilegeCount() > 0:
		return skip(want + "no privileges of a context that is made of SIDs")
	case t.IsAppContainer() || !t.TrustLevel().IsZero():
		return skip(want + "no packages and trust levels")
	case t.WriteRestricted():
		return skip(want + "no write-restricted context")
	case t.Integrity() < 0x2000 || v.sd.SACL() != nil:
		return skip(want + "no integrity level, and no policy of a SACL")
	}
	const generic = winnt.GENERIC_ALL | winnt.GENERIC_EXECUTE | winnt.GENERIC_READ | winnt.GENERIC_WRITE
	masks := v.desired
	if l := v.sd.DACL(); l != nil {
		for _, e := range l.All() {
			masks |= e.Mask()
		}
	}
	if masks&generic != 0 || v.desired&winnt.MAXIMUM_ALLOWED != 0 && v.sd.DACL() == nil { // all rights of a type
		return skip(want + "no generic mapping")
	}
	return nil
}

// callBool executes a request to a function that returns a BOOL. FALSE is a skipError with the last error. A missing
// function is a skipError as well.
func (a *asker) callBool(name string, r *request) (reply, error) {
	p := a.do(r)
	switch {
	case p.Missing != "":
		return p, skip("%s: %s", name, p.Missing)
	case uint32(p.Return) == 0:
		return p, skip("%s failed: %s", name, win32.Code(p.LastError))
	}
	return p, nil
}

// authzCall starts a request to a function of authz.dll. The caller adds the parameters.
func authzCall(name string) *packer {
	k := pack(name)
	k.DLL = "authz.dll"
	return k
}

// context creates a client context with the SIDs and claims of a token. It creates the resource manager at the first
// call. The caller frees the context with AuthzFreeContext. After an error no context is left, but the resource manager
// stays.
func (a *asker) context(t *token.Token) (ctx uint64, err error) {
	if a.rm == 0 {
		k := authzCall("AuthzInitializeResourceManager")
		rm := k.room(8)
		k.num(1).num(0).num(0).num(0).num(0).ptr(rm) // AUTHZ_RM_FLAG_NO_AUDIT
		p, err := a.callBool(k.Proc, k.request)
		if err != nil {
			return 0, err
		}
		a.rm = p.u64(rm)
	}
	k := authzCall("AuthzInitializeContextFromSid")
	to := k.room(8)
	k.num(2).ptr(k.sidBuffer(t.User().SID)).num(a.rm).num(0).num(0).num(0).ptr(to) // AUTHZ_SKIP_TOKEN_GROUPS
	p, err := a.callBool(k.Proc, k.request)
	if err != nil {
		return 0, err
	}
	bare := p.u64(to)
	defer a.do(call("authz.dll", "AuthzFreeContext").num(bare))
	k = authzCall("AuthzAddSidsToContext")
	to = k.room(8)
	k.num(bare)
	k.array(groups(t.Groups()))
	k.array(groups(t.Restricted()))
	k.ptr(to)
	if p, err = a.callBool(k.Proc, k.request); err != nil {
		return 0, err
	}
	ctx = p.u64(to)
	if err = a.modify(ctx, t); err != nil {
		a.do(call("authz.dll", "AuthzFreeContext").num(ctx))
	}
	return ctx, err
}

// modify adds the claims and device groups of a token to an Authz context. It does nothing for a token without any. It
// stops at the first failure. Malformed claims are an error.
func (a *asker) modify(ctx uint64, t *token.Token) error {
	for class, set := range map[uint64]*claims.Set{contextUserClaims: t.UserClaims(),
		contextDeviceClaims: t.DeviceClaims()} {
		if set.Len() == 0 {
			continue
		}
		k := authzCall("AuthzModifyClaims")
		k.num(ctx).num(class)
		k.claims(set)
		if k.err != nil {
			return k.err
		}
		if _, err := a.callBool(k.Proc, k.request); err != nil {
			return err
		}
	}
	devices := groups(t.DeviceGroups())
	if len(devices) == 0 {
		return nil
	}
	k := authzCall("AuthzModifySids")
	operations := make([]uint32, len(devices))
	for i := range operations {
		operations[i] = 2 // AUTHZ_SID_OPERATION_ADD
	}
	k.num(ctx).num(contextDeviceSIDs).ptr(k.add(u32le(nil, operations...))).ptr(k.groups(devices))
	_, err := a.callBool(k.Proc, k.request)
	return err
}

// groups returns the groups of seq without integrity levels.
func groups(seq func(func(int, token.Group) bool)) (list []token.Group) {
	for _, g := range seq {
		if g.Attributes&winnt.SE_GROUP_INTEGRITY == 0 {
			list = append(list, g)
		}
	}
	return list
}

// array adds two parameters: a pointer to an array of SID_AND_ATTRIBUTES, NULL for an empty list, and its length.
func (k *packer) array(list []token.Group) {
	if len(list) == 0 {
		k.num(0).num(0)
		return
	}
	at := k.room(16 * len(list))
	k.sidArray(at, 0, list)
	k.ptr(at).num(uint64(len(list)))
}

// claims adds two parameters: the operations, and an AUTHZ_SECURITY_ATTRIBUTES_INFORMATION of 16 bytes and 32 for each
// attribute. An empty or nil set adds them too, for no attribute.
func (k *packer) claims(set *claims.Set) {
	var list []claims.Attribute
	for _, c := range set.All() {
		list = append(list, c)
	}
	operations := make([]uint32, len(list))
	head := make([]byte, 16)
	le.PutUint16(head, 1)
	le.PutUint32(head[4:], uint32(len(list)))
	h, body := k.add(head), k.room(32*len(list))
	k.point(h, 8, body, 0)
	for i, c := range list {
		operations[i] = 2 // AUTHZ_SECURITY_ATTRIBUTE_OPERATION_ADD
		b := k.Buffers[body-1][32*i:]
		le.PutUint16(b[8:], uint16(c.Type))
		le.PutUint32(b[12:], c.Flags)
		le.PutUint32(b[16:], uint32(c.Len()))
		k.point(body, 32*i, k.wide(c.Name), 0)
		k.point(body, 32*i+24, k.claimValues(c), 0)
	}
	k.ptr(k.add(u32le(nil, operations...))).ptr(h)
}

// claimValues adds the values of a claim and returns their place. A claim of SIDs or octets fails the request with a
// skipError.
func (k *packer) claimValues(c claims.Attribute) buffer {
	var b []byte
	switch c.Type {
	case claims.Int64:
		for _, n := range c.Ints {
			b = le.AppendUint64(b, uint64(n))
		}
	case claims.Uint64, claims.Boolean:
		for _, n := range c.Uints {
			b = le.AppendUint64(b, n)
		}
	case claims.String:
		at := k.room(8 * max(len(c.Strings), 1))
		for i, s := range c.Strings {
			k.point(at, 8*i, k.wide(s), 0)
		}
		return at
	default:
		k.fail(skip("a claim of type %d is not written by this recorder", c.Type))
	}
	return k.add(b)
}
