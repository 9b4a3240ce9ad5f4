package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"connectrpc.com/connect"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	api "github.com/refmon/refmon/server/gateway/refmonv1"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// longestSDDL is the longest descriptor that a request may contain, in bytes of SDDL.
const longestSDDL = 64 << 10

// rightNames maps the names that requests may use for file rights to their bits.
var rightNames = func() map[string]winnt.AccessMask {
	m := map[string]winnt.AccessMask{"FILE_GENERIC_READ": winnt.FILE_GENERIC_READ,
		"FILE_GENERIC_WRITE": winnt.FILE_GENERIC_WRITE, "FILE_GENERIC_EXECUTE": winnt.FILE_GENERIC_EXECUTE,
		"FILE_ALL_ACCESS": fullRights, "FILE_LIST_DIRECTORY": winnt.FILE_LIST_DIRECTORY,
		"FILE_ADD_FILE": winnt.FILE_ADD_FILE, "FILE_ADD_SUBDIRECTORY": winnt.FILE_ADD_SUBDIRECTORY,
		"FILE_TRAVERSE": winnt.FILE_TRAVERSE, "MAXIMUM_ALLOWED": winnt.MAXIMUM_ALLOWED}
	for bit := winnt.AccessMask(1); bit != 0; bit <<= 1 {
		if name := winnt.FileObject.RightName(bit); !strings.HasPrefix(name, "0x") {
			m[name] = bit
		}
	}
	return m
}()

// everyRight requests the maximum rights.
var everyRight = []string{"MAXIMUM_ALLOWED"}

// maskOf returns the bits of the named file rights. An unknown name is an error. An empty list is an error, too, and
// does not request the maximum (G-36).
func maskOf(names []string) (winnt.AccessMask, error) {
	if len(names) == 0 {
		return 0, errors.New("rights is missing" + fieldAdvice["refmon.v1.CheckRequest.rights"])
	}
	var mask winnt.AccessMask
	for _, name := range names {
		bit, known := rightNames[name]
		if !known {
			return 0, fmt.Errorf("%q is not a right of a file: use names such as FILE_READ_DATA, GENERIC_WRITE or DELETE", name)
		}
		mask |= bit
	}
	return mask, nil
}

// rights returns the API form of a mask: its value and the name of each bit. A bit without a name is listed as a
// hexadecimal number. 0 has no names.
func rights(mask winnt.AccessMask) *api.Rights {
	r := &api.Rights{Mask: uint32(mask)}
	for bit := winnt.AccessMask(1); bit != 0; bit <<= 1 {
		if mask&bit != 0 {
			r.Names = append(r.Names, winnt.FileObject.RightName(bit))
		}
	}
	return r
}

// object returns the descriptor that an access question is about. A descriptor that the client sent as SDDL comes
// before a path; sent is then true. err is a connect error:
//   - neither SDDL nor path, or a malformed or too long one: InvalidArgument
//   - missing or hidden file: NotFound
//   - no READ_CONTROL: PermissionDenied
//   - any other failure: Unavailable
func (q *request) object(o *api.Object) (d *sd.Descriptor, sent bool, err error) {
	switch {
	case o.GetSddl() != "":
		if len(o.GetSddl()) > longestSDDL {
			return nil, true, connect.NewError(connect.CodeInvalidArgument, errors.New("the descriptor is too long"))
		}
		d, err = sddl.Parse(o.GetSddl())
		if err != nil {
			return nil, true, connect.NewError(connect.CodeInvalidArgument, err)
		}
		return d, true, nil
	case o.GetPath() == "":
		return nil, false, connect.NewError(connect.CodeInvalidArgument, errors.New("object has neither path nor sddl"))
	}
	at, slash, err := parsePlace(&url.URL{Path: o.GetPath()})
	if err != nil {
		return nil, false, connect.NewError(connect.CodeInvalidArgument,
			fmt.Errorf("path is not a valid path of a file: %w", err))
	}
	d, refused := q.descriptor(at, slash)
	if refused != nil {
		code := connect.CodeUnavailable
		switch refused.code {
		case 403:
			code = connect.CodePermissionDenied
		case 404:
			code = connect.CodeNotFound
		}
		return nil, false, connect.NewError(code, errors.New(refused.status.String()))
	}
	return d, false, nil
}

// readableParts are the parts of a descriptor that decide about access. READ_CONTROL permits a client to read them.
const readableParts = winnt.OWNER_SECURITY_INFORMATION | winnt.GROUP_SECURITY_INFORMATION |
	winnt.DACL_SECURITY_INFORMATION | winnt.LABEL_SECURITY_INFORMATION | winnt.ATTRIBUTE_SECURITY_INFORMATION |
	winnt.SCOPE_SECURITY_INFORMATION | winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION |
	winnt.ACCESS_FILTER_SECURITY_INFORMATION

// descriptor returns the [readableParts] of a file's descriptor. The client needs READ_CONTROL (G-25). refused is nil
// on success. With folder, a file that is no folder gets the refusal of a missing one (G-10). A file that the client
// may not list gets that refusal too, after a delay that hides the difference.
func (q *request) descriptor(at place, folder bool) (d *sd.Descriptor, refused *refusal) {
	options := uint32(0)
	if folder {
		options = directoryOnly
	}
	d, st := q.readDescriptor(at, options)
	if st != ntstatus.Success {
		f := q.refusedAs(at, winnt.READ_CONTROL, st)
		if f.code == 404 {
			f.status = ntstatus.ObjectNameNotFound // a hidden file gets the response of a missing one (G-8)
		}
		level(q.ctx, q.begun, q.g.levels.name)
		return nil, f
	}
	return d, nil
}

// readDescriptor reads a descriptor as descriptor does. It returns refmond's status, without the work for a refusal.
// Use it only for a file that the client may list. options are those of the open, such as directoryOnly.
func (q *request) readDescriptor(at place, options uint32) (d *sd.Descriptor, st ntstatus.Status) {
	h, st := q.open(at, winnt.READ_CONTROL, winnt.FILE_OPEN, options)
	if st != ntstatus.Success {
		return nil, st
	}
	defer q.s.release(h)
	st = q.s.p.do(q.ctx, func(th *nt.Thread) (st ntstatus.Status) {
		d, st = th.NtQuerySecurityObject(h, readableParts)
		return st
	})
	return d, st
}

// check evaluates one access question for the client, or for the account in the question. The text explains the
// decision if why is set, else the text is "". A denial is no error. Errors are connect errors or the cause of an
// ended context:
//   - malformed right: InvalidArgument
//   - another account with a descriptor that the caller sent: PermissionDenied
//   - others: those of object, about and decide
func (q *request) check(c *api.CheckRequest, why bool) (*api.CheckResponse, string, error) {
	desired, err := maskOf(c.GetRights())
	if err != nil {
		return nil, "", connect.NewError(connect.CodeInvalidArgument, err)
	}
	d, sent, err := q.object(c.GetObject())
	if err != nil {
		return nil, "", err
	}
	if !sent {
		d = complete(d)
	}
	tok := q.s.token
	if c.GetAccount() != "" {
		if sent {
			// With a descriptor of their own, callers could find out every group of another account
			// (G-26).
			return nil, "", connect.NewError(connect.CodePermissionDenied,
				errors.New("access of another account can only be queried for objects by path"))
		}
		var end func()
		if tok, end, err = q.about(c.GetAccount()); err != nil {
			return nil, "", err
		}
		defer end()
	}
	return q.decide(d, tok, desired, why)
}

// complete prepares a descriptor for an access check, which rejects one without owner or group: it returns d, or a copy
// in which nobody's SID replaces a missing one. An open of the file grants such an owner nothing (A-19, G-29).
func complete(d *sd.Descriptor) *sd.Descriptor {
	p := d.Parts()
	if !p.Owner.IsZero() && !p.Group.IsZero() {
		return d
	}
	if p.Owner.IsZero() {
		p.Owner = sid.Nobody
	}
	if p.Group.IsZero() {
		p.Group = sid.Nobody
	}
	return sd.New(p)
}

// about logs another account on without a password and returns a token for access checks only. The caller calls end
// once to close the token; after an error end is nil. The connect error is NotFound if refmond refuses the account,
// else Unavailable or Internal.
func (q *request) about(account string) (tok winnt.Handle, end func(), err error) {
	st := q.s.p.logOn(q.ctx, q.s.user.String(), func(th *nt.Thread) ntstatus.Status {
		out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
			AuthenticationInformation: nt.LogonInformation{MessageType: nt.S4ULogon, UserName: account}})
		tok = out.Token
		return st
	})
	if st != ntstatus.Success {
		return 0, nil, callError(st, connect.CodeNotFound, refusedAccounts, "account: ")
	}
	return tok, func() { q.s.release(tok) }, nil
}

// refusedAccounts are the statuses of a logon without a password that refmond refuses because of the account.
var refusedAccounts = map[ntstatus.Status]bool{ntstatus.LogonFailure: true, ntstatus.NoSuchUser: true,
	ntstatus.AccountRestriction: true, ntstatus.AccountDisabled: true, ntstatus.AccountExpired: true,
	ntstatus.AccountLockedOut: true, ntstatus.InvalidLogonHours: true, ntstatus.InvalidWorkstation: true,
	ntstatus.PasswordExpired: true, ntstatus.PasswordMustChange: true, ntstatus.LogonTypeNotGranted: true}

// wrongDescriptors are the statuses of a check of a descriptor that is invalid or has no owner.
var wrongDescriptors = map[ntstatus.Status]bool{ntstatus.InvalidSecurityDescr: true, ntstatus.InvalidACL: true,
	ntstatus.InvalidSID: true}

// callError converts the status of a failed call of refmond to a connect error, with prefix and the status as text.
// theirs are the statuses that are the client's mistake. The code is Unavailable if refmond did not try, code for a
// status in theirs, else Internal.
func callError(st ntstatus.Status, code connect.Code, theirs map[ntstatus.Status]bool, prefix string) error {
	switch {
	case untriedLogons[st]:
		code = connect.CodeUnavailable
	case !theirs[st]:
		code = connect.CodeInternal
	}
	return connect.NewError(code, errors.New(prefix+st.String()))
}

// decide lets refmond check whether tok gets the desired rights with the descriptor d. Generic rights are mapped
// first. A denial is no error; its response has the rights that tok could get. The text explains the decision if why
// is set, else the text is "". Errors:
//   - invalid descriptor: InvalidArgument
//   - the check was not completed: Unavailable or Internal
//   - ended context: its cause, with the response
func (q *request) decide(d *sd.Descriptor, tok winnt.Handle, desired winnt.AccessMask, why bool) (
	*api.CheckResponse, string, error) {
	a, text := &api.CheckResponse{}, ""
	name := func(sid.SID) string { return "" }
	if why {
		name = q.namesIn(d)
	}
	mapped := winnt.FileObject.Mapping.Map(desired)
	var twin *token.Token
	st := q.s.p.do(q.ctx, func(th *nt.Thread) ntstatus.Status {
		var seen reasons
		if why {
			th.Trace(&seen)
			defer th.Trace(nil)
		}
		out, st := th.NtAccessCheck(d, tok, mapped, winnt.FileObject.Mapping)
		if st != ntstatus.Success {
			return st
		}
		a.Status, a.Allowed = out.AccessStatus.String(), out.AccessStatus == ntstatus.Success
		a.Granted = rights(out.GrantedAccess)
		text = seen.text(name)
		if why && a.Allowed {
			th.Trace(nil)
			twin = twinOf(th, tok)
		}
		if !a.Allowed && desired != winnt.MAXIMUM_ALLOWED {
			most, st := th.NtAccessCheck(d, tok, winnt.MAXIMUM_ALLOWED, winnt.FileObject.Mapping)
			if st != ntstatus.Success {
				return st
			}
			a.Granted = rights(most.GrantedAccess)
		}
		return ntstatus.Success
	})
	if st != ntstatus.Success {
		return nil, "", callError(st, connect.CodeInvalidArgument, wrongDescriptors, "")
	}
	if why && a.Allowed {
		text = q.explainGrant(d, twin, mapped, winnt.AccessMask(a.GetGranted().GetMask()), name)
	}
	return a, text, context.Cause(q.ctx)
}
