package cache_test

import (
	"fmt"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/cache"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A server keeps a token for each session and a descriptor for each stored one that it has read.
type server struct {
	tokens      *cache.Cache[uint64, *token.Token]
	descriptors *cache.Cache[string, *sd.Descriptor]
}

func (s *server) allowed(session uint64, user sid.SID, groups []sid.SID, stored []byte,
	requested winnt.AccessMask) (bool, error) {
	tok, err := s.tokens.Get(session, func() (*token.Token, error) {
		return token.New(token.NetworkUser(user, groups...))
	})
	if err != nil {
		return false, err
	}
	d, err := s.descriptors.Get(string(stored), func() (*sd.Descriptor, error) { return sd.Decode(stored) })
	if err != nil {
		return false, err
	}
	dec, err := access.Check(tok, d, requested, winnt.FileObject)
	return err == nil && dec.Allowed(), err
}

func Example() {
	s := server{cache.New[uint64, *token.Token](1000), cache.New[string, *sd.Descriptor](100_000)}
	alice, staff := sid.MustParse("S-1-5-21-1-2-3-1001"), sid.MustParse("S-1-5-21-1-2-3-2001")
	stored := sddl.MustParse("O:BAG:SYD:(A;;FR;;;S-1-5-21-1-2-3-2001)").Append(nil)
	for _, requested := range []winnt.AccessMask{winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA} {
		fmt.Println(s.allowed(1, alice, []sid.SID{staff}, stored, requested))
	}
	fmt.Println(s.tokens.Len(), s.descriptors.Len())
	s.tokens.Drop(1) // the session ends
	fmt.Println(s.tokens.Len())
	// Output:
	// true <nil>
	// false <nil>
	// 1 1
	// 0
}
