package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Do says what a request is about.
type Do string

// What can be asked. The requests above Export answer with nothing, the others with
// bytes, from Offset on.
const (
	AddAccount    Do = "account add"    // Name, UID, FullName, Disabled, Password
	SetAccount    Do = "account set"    // Name; NewName, UID or NoUID, FullName
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

// Request is one request. Its zero value asks nothing and is refused.
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

// Password is a password that travels in a request, and that no verb of fmt shows.
type Password string

// Format writes *** for every verb (L-1).
func (Password) Format(f fmt.State, _ rune) { io.WriteString(f, "***") } //nolint:errcheck // a State has no errors

// Response answers a request. An Error is a sentence for the person who asked; nothing
// was changed then.
type Response struct {
	Error    string `json:"error,omitempty"`
	Data     []byte `json:"data,omitempty"`
	More     bool   `json:"more,omitempty"`     // there is more behind Data
	Revision string `json:"revision,omitempty"` // of what Data is a part of
}

// Ask sends a request, such as by client.Conn.Administer, and returns the response.
func Ask(send func([]byte) ([]byte, error), r Request) (out Response, err error) {
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

// tries is how often Fetch begins anew because of a change meanwhile.
const tries = 100

// Fetch returns all bytes that a request answers with, of one state.
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
				return nil, errors.New("the daemon's answer: more is said to follow, and nothing does")
			}
		}
	}
	return nil, errors.New("the accounts change all the time: try again")
}
