package admin

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// part is the maximum size of a response's Data, in bytes.
const part = 1 << 20

// Answerer answers requests about accounts. The zero value has no store and rejects every request.
type Answerer struct {
	Store *lsa.Store
	// AuditKey returns the audit log's signing key, or its public half. nil, or an empty key, means
	// that no such log exists.
	AuditKey func(public bool) ([]byte, error)
}

// Answer executes a JSON [Request] with the rights of the token by and returns a JSON [Response]. It returns
// STATUS_ACCESS_DENIED if by is not an administrator, or if the Answerer has no store. Any other failure,
// including a malformed request, is STATUS_SUCCESS with a sentence in the response's Error.
func (a *Answerer) Answer(by *token.Token, request []byte) ([]byte, ntstatus.Status) {
	if a.Store == nil || by.IsZero() || !by.IsAdmin() {
		// Only a token with Administrators enabled may query or change accounts (L-52).
		return nil, ntstatus.AccessDenied
	}
	var r Request
	out, err := Response{}, strict.Unmarshal(request, &r)
	if err == nil {
		out, err = a.answer(by.User().SID, &r)
	}
	if err != nil {
		out = Response{Error: err.Error()}
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, ntstatus.InsufficientResources
	}
	return b, ntstatus.Success
}

// answer executes a request of the account by. An unknown request is an error, and nothing changes. Reads do not record
// a change. Unlock enables the account and then forgets its failures; a failure between them leaves it enabled.
func (a *Answerer) answer(by sid.SID, r *Request) (Response, error) {
	if read := a.reads(r.Do); read != nil {
		return read(r)
	}
	edit, err := a.edits(r)
	switch {
	case err != nil:
		return Response{}, err
	case r.Do == Import:
		return Response{}, a.Store.Import(by, []byte(r.File))
	case r.Do == Unlock:
		if err := a.Store.Update(by, edit); err != nil {
			return Response{}, err
		}
		return Response{}, a.Store.Unlock(r.Name)
	}
	return Response{}, a.Store.Update(by, edit)
}

// reads returns the handler of a request that only reads, such as an export; nil for other requests. The handler
// returns the text from the requested offset, up to a limit. A checksum shows whether the text changed between
// requests. Without an AuditKey the text of a key is empty.
func (a *Answerer) reads(do Do) func(*Request) (Response, error) {
	text := func(write func(io.Writer) error) func(*Request) (Response, error) {
		return func(r *Request) (Response, error) {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				return Response{}, err
			}
			sum := sha256.Sum256(b.Bytes())
			return slice(b.Bytes(), r.Offset, hex.EncodeToString(sum[:8])), nil
		}
	}
	switch do {
	case Export:
		return text(a.Store.Export)
	case ListAccounts:
		return text(a.Store.ListAccounts)
	case ListGroups:
		return text(a.Store.ListGroups)
	case ListRights:
		return text(a.Store.ListRights)
	case BackupStore:
		return a.backup
	case BackupKey, BackupPublic:
		return text(func(w io.Writer) error {
			if a.AuditKey == nil {
				return nil
			}
			key, err := a.AuditKey(do == BackupPublic)
			if err == nil {
				_, err = w.Write(key)
			}
			return err
		})
	}
	return nil
}

// slice returns one part of a long text: up to part bytes of all from an offset, with the revision, and sets More if
// bytes follow. An offset outside all returns the revision alone, which is no error.
func slice(all []byte, offset int64, revision string) Response {
	if offset < 0 || offset > int64(len(all)) {
		return Response{Revision: revision}
	}
	rest := all[offset:]
	return Response{Data: rest[:min(part, len(rest))], More: len(rest) > part, Revision: revision}
}

// backup returns the part of a copy of the store from the requested offset. Parts with the same revision make a
// backup; a revision that ends in "-" says that the store changed during the copy.
func (a *Answerer) backup(r *Request) (Response, error) {
	before, _, err := a.Store.Revision()
	if err != nil {
		return Response{}, err
	}
	w := window{skip: max(r.Offset, 0)}
	if err := a.Store.Backup(&w); err != nil {
		return Response{}, err
	}
	after, _, err := a.Store.Revision()
	revision := fmt.Sprint(before)
	if before != after {
		revision += "-" // the store changed during the copy; the client starts again
	}
	return Response{Data: w.kept, More: w.more, Revision: revision}, err
}

// edits returns the edit for [lsa.Store.Update] that a request stands for. It changes nothing itself. Import returns
// nil without an error. An unknown request, right, group or member is an error. An unknown account is an error of the
// returned function.
func (a *Answerer) edits(r *Request) (func(*lsa.Edit) error, error) {
	switch r.Do {
	case AddAccount, SetAccount, DeleteAccount, SetPassword, Lock, Unlock:
		return r.editAccount, nil
	case AddGroup:
		return func(e *lsa.Edit) error { e.AddGroup(lsa.Group{Name: r.Name, GID: r.UID}); return nil }, nil
	case Import:
		return nil, nil
	case DeleteGroup, AddMember, RemoveMember, Grant, Revoke:
	default:
		return nil, fmt.Errorf("unknown request %q", strict.Clip(r.Do))
	}
	id, err := a.Store.SID(r.Name)
	if err != nil {
		return nil, err
	}
	switch r.Do {
	case DeleteGroup:
		return func(e *lsa.Edit) error { return e.DeleteGroup(id) }, nil
	case Grant, Revoke:
		return editRights(r, id)
	}
	member, err := a.Store.SID(r.Member)
	if err != nil {
		return nil, err
	}
	if r.Do == AddMember {
		return func(e *lsa.Edit) error { return e.AddMember(id, member) }, nil
	}
	return func(e *lsa.Edit) error { return e.RemoveMember(id, member) }, nil
}

// editRights returns the edit that grants or revokes the named privileges and logon rights of id. An unknown name, and
// a request without one, are errors. Names of rights that occur twice count once. Nothing changes until the edit is
// called.
func editRights(r *Request, id sid.SID) (func(*lsa.Edit) error, error) {
	var privileges winnt.PrivilegeSet
	var rights logon.Rights
	for _, name := range r.Rights {
		if right := logon.ParseRight(name); right != 0 {
			rights |= right
			continue
		}
		p, err := winnt.ParsePrivilege(name)
		if err != nil {
			return nil, err
		}
		privileges |= p.Bit()
	}
	if privileges == 0 && rights == 0 {
		return nil, errors.New("no right: name one such as SeImpersonatePrivilege or SeBatchLogonRight")
	}
	if r.Do == Grant {
		return func(e *lsa.Edit) error { e.Grant(id, privileges, rights); return nil }, nil
	}
	return func(e *lsa.Edit) error { e.Revoke(id, privileges, rights); return nil }, nil
}

// editAccount makes the requested change of an account in e. Nil fields keep their values; NoUID removes the UID.
// Lock disables the account, Unlock enables it. A new account may have no password. If its password is rejected, the
// account stays in e.
func (r *Request) editAccount(e *lsa.Edit) error {
	switch r.Do {
	case AddAccount:
		account := lsa.Account{Name: r.Name, UID: r.UID, Disabled: r.Disabled}
		if r.FullName != nil {
			account.FullName = *r.FullName
		}
		e.AddAccount(account)
		if r.Password == "" {
			return nil
		}
		return e.SetPassword(r.Name, logon.Secret(string(r.Password)))
	case DeleteAccount:
		return e.DeleteAccount(r.Name)
	case SetPassword:
		return e.SetPassword(r.Name, logon.Secret(string(r.Password)))
	}
	return e.SetAccount(r.Name, func(a *lsa.Account) {
		if r.Do != SetAccount {
			a.Disabled = r.Do == Lock
			return
		}
		if r.NewName != nil {
			a.Name = *r.NewName
		}
		if r.FullName != nil {
			a.FullName = *r.FullName
		}
		if r.UID != nil || r.NoUID {
			a.UID = r.UID
		}
	})
}
