"""Records to what people look at: sessions, steps, tape. Pure."""
