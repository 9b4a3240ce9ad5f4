package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Do names the kind of a request.
type Do string

// The kinds of requests, with the fields that each uses; it ignores all others. A successful response to one above
// Export is empty. The response to one of the others has a part of its data, from Offset on.
const (
	AddAccount    Do = "account add"    // Name, UID, FullName, Disabled, Password
	SetAccount    Do = "account set"    // Name; NewName, UID or NoUID, FullName: what is absent stays
	DeleteAccount Do = "account delete" // Name
	SetPassword   Do = "password set"   // Name, Password
	Lock          Do = "account lock"   // Name: no logon with it succeeds
	Unlock        Do = "account unlock" // Name: enabled, and its failures forgotten
	AddGroup      Do = "group add"      // Name, UID as the gid
	DeleteGroup   Do = "group delete"   // Name
	AddMember     Do = "member add"     // Name of the group, Member
	RemoveMember  Do = "member remove"  // Name of the group, Member
	Grant         Do = "right grant"    // Name of a user or group, Rights
	Revoke        Do = "right revoke"   // Name, Rights
	Import        Do = "import"         // File

	Export       Do = "export"
	ListAccounts Do = "account list"
	ListGroups   Do = "group list"
	ListRights   Do = "right list"
	BackupStore  Do = "backup"    // the store, hashes included
	BackupKey    Do = "audit key" // the key that the audit log is signed with
	BackupPublic Do = "audit key.pub"
)

// Request is one request. The zero value is rejected.
type Request struct {
	Do       Do       `json:"do"`
	Name     string   `json:"name,omitempty"`
	NewName  *string  `json:"newName,omitempty"`
	UID      *uint32  `json:"uid,omitempty"`
	NoUID    bool     `json:"noUid,omitempty"`
	FullName *string  `json:"fullName,omitempty"`
	Disabled bool     `json:"disabled,omitempty"`
	Password Password `json:"password,omitempty"`
	Member   string   `json:"member,omitempty"`
	Rights   []string `json:"rights,omitempty"`
	File     string   `json:"file,omitempty"`
	Offset   int64    `json:"offset,omitempty"`
}

// Password is a password in a request. No verb of fmt prints it.
type Password string

// Format writes *** for every verb and flag, also for an empty password, so that no log contains a password (L-1).
func (Password) Format(f fmt.State, _ rune) { io.WriteString(f, "***") } //nolint:errcheck // a State has no errors

// Response is the result of a request. If Error is set, it explains the failure, and nothing was changed except in two
// cases: Unlock may have enabled the account, and after a failure of the disk Error says that the change may be made.
type Response struct {
	Error    string `json:"error,omitempty"`
	Data     []byte `json:"data,omitempty"`
	More     bool   `json:"more,omitempty"`     // bytes follow after Data
	Revision string `json:"revision,omitempty"` // revision of the store that Data belongs to
}

// Ask sends a request through send, for example client.Conn.Administer, and returns the response. It returns an
// error if send fails, the response is malformed, or its Error is set. Only in the last case is the response
// returned with the error; otherwise it is empty. Text that is not UTF-8 is an error, and nothing is sent.
func Ask(send func([]byte) ([]byte, error), r Request) (out Response, err error) {
	if err := r.checkText(); err != nil {
		return out, err
	}
	b, err := json.Marshal(r)
	if err != nil {
		return out, err
	}
	if b, err = send(b); err != nil {
		return out, err
	}
	if err := json.Unmarshal(b, &out); err != nil {
		return out, fmt.Errorf("the daemon's answer: %w", err)
	}
	if out.Error != "" {
		return out, errors.New(out.Error)
	}
	return out, nil
}

// checkText returns an error that names a field whose text is not UTF-8, such as one that a terminal in Latin-1 sent.
// In JSON each of its wrong bytes would become the same replacement character: another name, or another password.
func (r *Request) checkText() error {
	newName, fullName := "", ""
	if r.NewName != nil {
		newName = *r.NewName
	}
	if r.FullName != nil {
		fullName = *r.FullName
	}
	for _, f := range []struct{ field, text string }{{"name", r.Name}, {"new name", newName}, {"full name", fullName},
		{"password", string(r.Password)}, {"member", r.Member}, {"file", r.File}} {
		if !utf8.ValidString(f.text) {
			return fmt.Errorf("%s: it is not UTF-8", f.field)
		}
	}
	return nil
}

// tries is how often Fetch starts again because the store changed between two parts.
const tries = 100

// Fetch requests all parts of a response, one after the other, and returns their bytes, all of one revision. It
// ignores r.Offset. If the store changes between two parts, it starts again, and fails after 100 such attempts.
// It returns the first error of [Ask], without data.
func Fetch(send func([]byte) ([]byte, error), r Request) ([]byte, error) {
	for range tries {
		var all []byte
		revision := ""
		for {
			r.Offset = int64(len(all))
			part, err := Ask(send, r)
			if err != nil {
				return nil, err
			}
			if revision != "" && part.Revision != revision {
				break
			}
			revision = part.Revision
			if all = append(all, part.Data...); !part.More {
				return all, nil
			}
			if len(part.Data) == 0 {
				return nil, errors.New("the daemon's answer: it announces more data but sends none")
			}
		}
	}
	return nil, errors.New("the accounts changed during each of 100 attempts: try again")
}
