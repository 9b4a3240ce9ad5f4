package mount

import "testing"

// TestTwoUsers: each user sees what the descriptors give its account (M-1). A read of an
// open file asks the handle, not the user (M-4).
func TestTwoUsers(t *testing.T) {
	w := newWorld(t)
	w.file("alice.txt", "hers\n", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
	w.file("staff.txt", "theirs\n", "O:BAG:SYD:P(A;;FR;;;S-1-22-2-62001)")
	w.file("all.txt", "everybody's\n", "O:BAG:SYD:P(A;;FR;;;WD)")
	w.dir("secret", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
	w.file("secret/inner.txt", "passed\n", "O:BAG:SYD:P(A;;FR;;;WD)")

	w.sees(alice, "hers", "cat", "alice.txt")
	w.refused(bob, "Permission denied", "cat", "alice.txt")
	w.sees(alice, "theirs", "cat", "staff.txt")
	w.refused(bob, "Permission denied", "cat", "staff.txt")
	w.sees(bob, "everybody's", "cat", "all.txt")
	w.sees(alice, "alice.txt\nall.txt\nsecret\nstaff.txt", "ls")
	w.sees(bob, "alice.txt\nall.txt\nsecret\nstaff.txt", "ls")
	w.refused(bob, "Permission denied", "ls", "secret")
	w.sees(alice, "inner.txt", "ls", "secret")
	// The privilege that everybody holds passes through a directory (F-23).
	w.sees(bob, "passed", "cat", "secret/inner.txt")
	w.refused(bob, "No such file", "cat", "absent.txt")
	// The superuser has no privilege here.
	w.refused(0, "Permission denied", "cat", "alice.txt")
	w.sees(0, "everybody's", "cat", "all.txt")
	w.sees(bob, "12 0", "stat", "-c", "%s %u", "all.txt")
	w.refused(61999, "can't cd", "cat", "all.txt")
}
