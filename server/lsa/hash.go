package lsa

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"sync/atomic"

	"golang.org/x/crypto/argon2"

	"github.com/refmon/refmon/logon"
)

// Hashing is the cost of a password hash (argon2id, RFC 9106). In the zero value, Memory is 64 MiB
// and Passes is 3.
type Hashing struct {
	Memory uint32 // KiB
	Passes uint32
}

// Limits of a stored hash, so that a manipulated store cannot raise the cost of a check.
const (
	mostMemory = 1 << 20 // KiB
	mostPasses = 64
	saltBytes  = 16
	hashBytes  = 32
)

// orDefault returns a copy of h with 64 MiB in place of a zero Memory and 3 in place of zero Passes.
func (h Hashing) orDefault() Hashing {
	if h.Memory == 0 {
		h.Memory = 64 << 10
	}
	if h.Passes == 0 {
		h.Passes = 3
	}
	return h
}

// hashed is a stored password hash with its salt and cost; its text form is $argon2id$v=19$m=…,t=…,p=1$salt$hash.
type hashed struct {
	cost       Hashing
	salt, hash []byte
}

// parseHash parses the stored form of a password hash. It returns an error for "", for any other spelling, length or
// form, and for a cost outside of the limits. The cost is at most mostMemory KiB and mostPasses passes.
func parseHash(text string) (h hashed, err error) {
	var salt, sum string
	n, err := fmt.Sscanf(text, "$argon2id$v=19$m=%d,t=%d,p=1$%22s$%43s", &h.cost.Memory, &h.cost.Passes, &salt, &sum)
	if err != nil || n != 4 {
		return hashed{}, fmt.Errorf("a hash of another form than argon2id: set the password again")
	}
	if h.cost.Memory < 8 || h.cost.Memory > mostMemory || h.cost.Passes < 1 || h.cost.Passes > mostPasses {
		return hashed{}, fmt.Errorf("a hash that costs %d KiB and %d passes: at most %d and %d", h.cost.Memory,
			h.cost.Passes, mostMemory, mostPasses)
	}
	encoding := base64.RawStdEncoding.Strict()
	if h.salt, err = encoding.DecodeString(salt); err == nil {
		h.hash, err = encoding.DecodeString(sum)
	}
	if err != nil || len(h.salt) != saltBytes || len(h.hash) != hashBytes || h.String() != text {
		return hashed{}, fmt.Errorf("a hash of another form than argon2id: set the password again")
	}
	return h, nil
}

// String returns the stored form, which parseHash accepts.
func (h hashed) String() string {
	encoding := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=1$%s$%s", h.cost.Memory, h.cost.Passes,
		encoding.EncodeToString(h.salt), encoding.EncodeToString(h.hash))
}

// running counts the hashes that are being computed.
var running atomic.Int32

// of returns the hash of a password with the salt and cost of h, for a comparison with h.
func (h hashed) of(password logon.Secret) []byte {
	running.Add(1)
	defer collectAfter()
	return argon2.IDKey([]byte(string(password)), h.salt, h.cost.Passes, h.cost.Memory, 1, hashBytes)
}

// collectAfter runs the garbage collector after the last of several concurrent hashes. A collection during a hash
// counts the hash's memory as live. The heap would then grow to a multiple of it before the next collection.
func collectAfter() {
	if running.Add(-1) == 0 {
		runtime.GC()
	}
}

// matches reports whether h is the hash of the password. It compares the hashes in constant time.
func (h hashed) matches(password logon.Secret) bool {
	return subtle.ConstantTimeCompare(h.of(password), h.hash) == 1
}

// newHash hashes a password with a new random salt. Only a failure of the random numbers is an error.
func newHash(password logon.Secret, cost Hashing) (hashed, error) {
	h := hashed{cost: cost, salt: make([]byte, saltBytes)}
	if _, err := rand.Read(h.salt); err != nil {
		return hashed{}, fmt.Errorf("random numbers for a salt: %w", err)
	}
	h.hash = h.of(password)
	return h, nil
}
