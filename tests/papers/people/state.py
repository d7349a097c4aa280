"""All that a reader can read of what is stored, as one value."""


def of_user(people, user_id):
    return (
        people.user(user_id),
        people.interests(user_id),
        people.marks(user_id),
        people.seen(user_id),
        people.judgements(user_id),
    )


def of_file(people):
    """Return the state of every user by name, without the ids that chance gives."""
    return {
        user.name: (
            user.email,
            [(i.name, i.seeds, i.liked, i.disliked, i.keywords) for i in people.interests(user.id)],
            [(mark.paper, mark.mark, mark.when) for mark in people.marks(user.id)],
            people.seen(user.id),
            people.judgements(user.id),
        )
        for user in people.users()
    }
