# A DACL asked for single rights: the first entry for one of the token's SIDs
# that holds the right decides.
package acl

default allowed := false

allowed if data.list[first(matching, input.right)].allow

granted := sum([bit | some bit in data.bits; data.list[first(matching, bit)].allow])

# Entries for somebody the token has.
matching := [i | some i, entry in data.list; input.sids[entry.sid]]

first(entries, right) := min([i | some i in entries; bits.and(data.list[i].mask, right) != 0])
