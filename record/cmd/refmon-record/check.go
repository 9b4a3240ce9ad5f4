package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/cli/replay"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// vector is an access check to be recorded, from vectors/access.jsonl: the exported fields as the file has them, and
// their parsed values. A line of `refmon check` has the same form.
type vector struct {
	ID          string
	Token       json.RawMessage
	SD, SDHex   *string
	Desired     string
	Mapping     string
	SelfSID     string
	ObjectTypes []struct {
		Level uint16
		GUID  string
	}
	ResultList bool
	Call       string

	token   *token.Token
	sd      *sd.Descriptor
	bytes   []byte // of the descriptor
	desired winnt.AccessMask
	mapping winnt.GenericMapping
	self    sid.SID
	types   []access.ObjectTypeEntry
}

// readVector parses a question. The default object type is file. A malformed token, right, type, SID, GUID, SDDL or
// hexadecimal text is an error. If the bytes of SDHex are no descriptor, v.sd is nil. Without a descriptor v.sd and
// v.bytes are nil.
func readVector(in replay.Fields) (v *vector, err error) {
	b, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	v = &vector{Mapping: "file"}
	if err := json.Unmarshal(b, v); err != nil {
		return nil, err
	}
	if v.token, err = token.Parse(v.Token); err != nil {
		return nil, err
	}
	if v.desired, err = sddl.ParseRights(v.Desired); err != nil {
		return nil, err
	}
	t := winnt.ObjectTypeByName(v.Mapping)
	if t == nil {
		return nil, fmt.Errorf("no object type %q", v.Mapping)
	}
	v.mapping = t.Mapping
	if v.SelfSID != "" {
		if v.self, err = sid.Parse(v.SelfSID); err != nil {
			return nil, err
		}
	}
	for _, o := range v.ObjectTypes {
		g, err := winnt.ParseGUID(o.GUID)
		if err != nil {
			return nil, err
		}
		v.types = append(v.types, access.ObjectTypeEntry{Level: o.Level, GUID: g})
	}
	switch {
	case v.SD != nil:
		if v.sd, err = sddl.Parse(*v.SD); err == nil {
			v.bytes = v.sd.Binary()
		}
	case v.SDHex != nil:
		if v.bytes, err = hex.DecodeString(*v.SDHex); err == nil {
			v.sd, _ = sd.Decode(v.bytes)
		}
	}
	return v, err
}

// check asks an access vector: by NtAccessCheck if this process may create tokens, else by the authorization library. A
// vector that NtAccessCheck cannot ask goes to the library as well. A malformed one is an error.
func (a *asker) check(in replay.Fields) (status string, out replay.Fields, err error) {
	v, err := readVector(in)
	if err != nil {
		return "", nil, err
	}
	if a.tokens == replay.MadeTokens {
		status, out, err = a.native(v)
		var why *skipError
		if !errors.As(err, &why) {
			return status, out, err
		}
	}
	return a.authz(v)
}

// native answers a vector by NtAccessCheck, or a variant with object types. If the vector is for the kernel's
// routine, the desired rights are mapped first. A failure status has 0 granted and no privileges used. A token or
// descriptor that the call rejects is a skipError.
func (a *asker) native(v *vector) (string, replay.Fields, error) {
	typ, desired := winnt.TokenImpersonation, v.desired
	if v.Call == "NtAccessCheck" {
		typ = v.token.Type()
	} else {
		if v.token.Type() == winnt.TokenImpersonation && v.token.Level() < winnt.SecurityImpersonation {
			return "", nil, skip("a level that counts for the kernel's routine only")
		}
		desired = v.mapping.Map(desired) // the kernel's routine maps; this call refuses generic rights
		if v.sd == nil || v.sd.Owner().IsZero() || v.sd.Group().IsZero() {
			return "", nil, skip("a descriptor that NtAccessCheck refuses, in a question about the kernel's routine")
		}
	}
	h, err := a.make(v.token, typ)
	var why *skipError
	switch {
	case errors.As(err, &why):
		return "", nil, err
	case err != nil:
		return "", nil, skip("the token could not be made: %v", err)
	}
	defer a.closeHandle(h)
	name, n := "NtAccessCheck", 1
	switch {
	case v.ResultList:
		name, n = "NtAccessCheckByTypeResultList", max(len(v.types), 1)
	case v.types != nil || !v.self.IsZero():
		name = "NtAccessCheckByType"
	}
	k := pack(name)
	k.question(v, h, desired)
	set, need := k.room(1024), k.add(u32le(nil, 1024))
	granted, results := k.room(4*n), k.room(4*n)
	k.ptr(set).ptr(need).ptr(granted).ptr(results)
	p := a.do(k.request)
	if p.Missing != "" {
		return "", nil, skip("%s: %s", name, p.Missing)
	}
	out := replay.Fields{"function": name}
	if st := ntstatus.Status(uint32(p.Return)); !st.IsSuccess() {
		out["granted"], out["privilegesUsed"] = winnt.AccessMask(0).Padded(), []string{}
		return st.String(), out, nil
	}
	used := []string{}
	for _, l := range privilegeSetOf(p.bytes(set)).Privilege {
		used = append(used, winnt.Privilege(l.LUID).String())
	}
	out["privilegesUsed"] = used
	return verdicts(&p, granted, results, n, v.ResultList, func(n uint32) ntstatus.Status { return ntstatus.Status(n) },
		out)
}

// question adds the parameters of NtAccessCheck from the descriptor to the mapping. h is the client's token. The
// variants with object types also get the self SID and the types. If v.bytes is nil, the descriptor is NULL.
func (k *packer) question(v *vector, h winnt.Handle, desired winnt.AccessMask) {
	byType := k.Proc != "NtAccessCheck"
	var sd buffer
	if v.bytes != nil {
		sd = k.add(v.bytes)
	}
	k.ptr(sd)
	if byType {
		k.ptr(k.sidBuffer(v.self))
	}
	k.handle(h)
	k.mask(desired)
	if byType {
		k.ptr(k.objectTypes(v.types)).num(uint64(len(v.types)))
	}
	k.ptr(k.mapping(v.mapping))
}

// verdicts decodes an access check's n results into out and returns the first status. n must be positive. The buffers
// granted and results have masks and results. status converts a result. A refused check has 0 granted. If list is
// true, out also has all results, with their masks. The error is always nil.
func verdicts(p *reply, granted, results buffer, n int, list bool, status func(uint32) ntstatus.Status,
	out replay.Fields) (string, replay.Fields, error) {
	var all []any
	for i := range n {
		st, mask := status(le.Uint32(p.bytes(results)[4*i:])), winnt.AccessMask(le.Uint32(p.bytes(granted)[4*i:]))
		if !st.IsSuccess() && !list {
			mask = 0 // a refused check does not set the mask
		}
		all = append(all, replay.Fields{"status": st.String(), "granted": mask.Padded()})
	}
	first := all[0].(replay.Fields)
	out["granted"] = first["granted"]
	if first["status"] != ntstatus.Success.String() {
		out["granted"] = winnt.AccessMask(0).Padded()
	}
	if list {
		out["results"] = all
	}
	return first["status"].(string), out, nil
}
