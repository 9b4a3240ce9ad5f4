package lsa

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"go.etcd.io/bbolt"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Buckets of the file. Keys are binary SIDs or RIDs (u32, big endian). Values are JSON, parsed
// strictly.
var (
	bucketMeta     = []byte("meta")
	bucketAccounts = []byte("accounts")
	bucketGroups   = []byte("groups")
	bucketGrants   = []byte("grants")
	bucketFailures = []byte("failures")
)

const format = 1

// meta is the record with the settings of the whole store, such as its format, machine SID, next RID and id maps. It is
// the only one of the bucket meta.
type meta struct {
	Format  int     `json:"format"`
	Machine sid.SID `json:"machine"`
	Next    uint32  `json:"next"`
	Maps    []IDMap `json:"maps,omitempty"`
	Policy  string  `json:"policy,omitempty"`
}

// grantRecord is the stored form of a Grant, with names.
type grantRecord struct {
	Privileges []string `json:"privileges,omitempty"`
	Rights     []string `json:"rights,omitempty"`
}

// record returns the names of the privileges and rights, as they are stored.
func (g Grant) record() grantRecord { return grantRecord{g.Privileges.Names(), g.Rights.Names()} }

// grant parses the names of privileges and logon rights. It stops at the first unknown name with an error. No names
// are an empty grant.
func (r grantRecord) grant() (g Grant, err error) {
	for _, name := range r.Privileges {
		p, err := winnt.ParsePrivilege(name)
		if err != nil {
			return g, err
		}
		g.Privileges |= p.Bit()
	}
	for _, name := range r.Rights {
		right := logon.ParseRight(name)
		if right == 0 {
			return g, fmt.Errorf("%q is not a logon right: want one such as SeBatchLogonRight", strict.Clip(name))
		}
		g.Rights |= right
	}
	return g, nil
}

// ridKey returns the key of an account, so that keys sort by RID.
func ridKey(rid uint32) []byte { return binary.BigEndian.AppendUint32(nil, rid) }

// decode parses the JSON value of a record strictly. bucket and key appear in the error only. An error returns a
// value that may be partly filled.
func decode[T any](bucket, key, value []byte) (v T, err error) {
	if err := strict.Unmarshal(value, &v); err != nil {
		return v, fmt.Errorf("%s %x: %w: restore a backup", bucket, key, err)
	}
	return v, nil
}

// readState reads the whole store, without indexes. A file without a bucket is empty and returns nil, nil. One with
// other buckets than those of a store, and another format, are errors. A malformed entry is an error, and the state is
// then partly filled.
func readState(tx *bbolt.Tx) (*state, error) {
	b := tx.Bucket(bucketMeta)
	if b == nil {
		if name, _ := tx.Cursor().First(); name != nil {
			return nil, fmt.Errorf("this is the file of another program: it has %.32q and no %s", name, bucketMeta)
		}
		return nil, nil
	}
	// The format is read first and leniently: a later one may have other fields.
	var version struct {
		Format int `json:"format"`
	}
	if json.Unmarshal(b.Get(bucketMeta), &version) == nil && version.Format != format {
		return nil, fmt.Errorf("format %d, want %d: use the release that wrote it", version.Format, format)
	}
	m, err := decode[meta](bucketMeta, bucketMeta, b.Get(bucketMeta))
	if err != nil {
		return nil, err
	}
	s := &state{machine: m.Machine, next: m.Next, maps: m.Maps, policy: m.Policy, accounts: map[uint32]Account{},
		groups: map[sid.SID]Group{}, grants: map[sid.SID]Grant{}}
	return s, errors.Join(
		each(tx, bucketAccounts, func(k []byte, a Account) error {
			if !bytes.Equal(k, ridKey(a.RID)) {
				return fmt.Errorf("account %x has the RID %d", k, a.RID)
			}
			s.accounts[a.RID] = a
			return nil
		}),
		each(tx, bucketGroups, func(k []byte, g Group) error {
			if string(k) != g.SID.Binary() {
				return fmt.Errorf("group %x has the SID %v", k, g.SID)
			}
			s.groups[g.SID] = g
			return nil
		}),
		each(tx, bucketGrants, func(k []byte, r grantRecord) (err error) {
			id, n, err := sid.Decode(k)
			if err != nil || n != len(k) {
				return fmt.Errorf("rights of %x: no SID", k)
			}
			s.grants[id.Clone()], err = r.grant()
			return err
		}))
}

// each calls f for each value of a bucket, and stops at the first error. A missing bucket has no values. A value that
// cannot be decoded is an error, and f is not called for it.
func each[T any](tx *bbolt.Tx, bucket []byte, f func(key []byte, v T) error) error {
	b := tx.Bucket(bucket)
	if b == nil {
		return nil
	}
	return b.ForEach(func(k, value []byte) error {
		v, err := decode[T](bucket, k, value)
		if err != nil {
			return err
		}
		return f(k, v)
	})
}

// change runs f in one transaction of the store's file. After an error the file may still have the changes, because
// the last sync can fail after the write.
func (s *Store) change(f func(*bbolt.Tx) error) error {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return s.cfg.Faults.Check("write", File)
	})
	if err == nil {
		err = s.cfg.Faults.Check("sync", File)
	}
	return err
}

// commit replaces the state before in the file by the state after. If that fails and the file has changed, commit
// restores before, so that no reader finds a refused change (L-39). The result is always the error of the first
// write.
// +checklocks:s.write
func (s *Store) commit(before, after *state) error {
	sure := !s.unsure
	revision, _, _ := s.Revision() // fails only for a closed store, for which the write below fails as well
	err := s.store(before, after)
	if err == nil {
		return nil
	}
	if now, _, _ := s.Revision(); sure && now == revision {
		s.unsure = false
		return err
	}
	if back := s.store(before, before); back != nil {
		return fmt.Errorf("%w: the change may be in effect after the next start; undo it: %w", err, back)
	}
	return err
}

// store replaces the state before in the file by the state next. If an earlier call failed, the file may have another
// state than before; store then reads the file first. After an error the state in the file is unknown: unsure is set.
// +checklocks:s.write
func (s *Store) store(before, next *state) error {
	read := s.unsure
	err := s.change(func(tx *bbolt.Tx) (err error) {
		stored := before
		if read {
			if stored, err = readState(tx); err != nil {
				return err
			}
		}
		return writeState(tx, stored, next)
	})
	s.unsure = err != nil
	return err
}

// writeState writes the differences between two states. If before is nil, it writes all of after. An error may leave
// some of them in tx, which must then be rolled back.
func writeState(tx *bbolt.Tx, before, after *state) error {
	if before == nil {
		before = &state{}
	}
	err := put(tx, bucketMeta, bucketMeta, meta{format, after.machine, after.next, after.maps, after.policy})
	return errors.Join(err,
		updateBucket(tx, bucketAccounts, before.accounts, after.accounts, ridKey, func(a Account) any { return a }),
		updateBucket(tx, bucketGroups, before.groups, after.groups, sidKey, func(g Group) any { return g }),
		updateBucket(tx, bucketGrants, before.grants, after.grants, sidKey, func(g Grant) any { return g.record() }))
}

// sidKey returns the key of a SID.
func sidKey(id sid.SID) []byte { return []byte(id.Binary()) }

// updateBucket changes a bucket from the map before to the map after. It writes new and changed entries, and deletes
// missing entries. key and record return the stored key and value. The bucket must exist if an entry is deleted.
func updateBucket[K comparable, V any](tx *bbolt.Tx, bucket []byte, before, after map[K]V, key func(K) []byte,
	record func(V) any) error {
	for k := range before {
		if _, there := after[k]; !there {
			if err := tx.Bucket(bucket).Delete(key(k)); err != nil {
				return err
			}
		}
	}
	for k, v := range after {
		if old, there := before[k]; there && reflect.DeepEqual(old, v) {
			continue
		}
		if err := put(tx, bucket, key(k), record(v)); err != nil {
			return err
		}
	}
	return nil
}

// put stores v as JSON under a key, in place of an older value. It creates the bucket if it is missing.
func put(tx *bbolt.Tx, bucket, key []byte, v any) error {
	b, err := tx.CreateBucketIfNotExists(bucket)
	if err != nil {
		return err
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.Put(key, text)
}

// keepFailures makes failed logons survive a restart: it stores the failures that the throttle has of a name as those
// of an account, or deletes them if it has none. If that fails, they count in memory until the daemon ends.
func (s *Store) keepFailures(rid uint32, name string) {
	err := s.db.Batch(func(tx *bbolt.Tx) error {
		if err := s.cfg.Faults.Check("write", File); err != nil {
			return err
		}
		// Transactions of concurrent logons run in any order. Each reads the count itself, so the last one stores the
		// newest.
		if f := s.throttle.count(name); f.Count > 0 {
			return put(tx, bucketFailures, ridKey(rid), f)
		}
		return forgetFailures(tx, rid)
	})
	_ = err // without the stored count, the count in memory still applies
}

// forgetFailures deletes the failures of an account. An account without failures is not an error.
func forgetFailures(tx *bbolt.Tx, rid uint32) error {
	if b := tx.Bucket(bucketFailures); b != nil {
		return b.Delete(ridKey(rid))
	}
	return nil
}

// loadFailures restores the failures of accounts, so that a restart of the daemon unlocks no account (L-31). It ignores
// failures of deleted accounts. A malformed key or value is an error, and failures before it stay restored.
func (s *Store) loadFailures() error {
	st := s.now.Load()
	return s.db.View(func(tx *bbolt.Tx) error {
		return each(tx, bucketFailures, func(k []byte, f failures) error {
			if len(k) != 4 {
				return fmt.Errorf("failures: the key %x is not a RID of 4 bytes", k)
			}
			if a, ok := st.accounts[binary.BigEndian.Uint32(k)]; ok {
				s.throttle.restore(a.Name, f, s.cfg.Now())
			}
			return nil
		})
	})
}
