package trigger

// hashOf spreads pairs of names evenly. It is part of what a trigger means, so
// it never changes.
func hashOf(a, b string) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	for _, s := range [...]string{a, b} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211 // ("ab", "c") is not ("a", "bc")
	}
	return mix(h)
}

// mix makes every bit depend on every other.
func mix(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
