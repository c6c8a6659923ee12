SELECT EXISTS (SELECT FROM catalog.title WHERE title_id = %(title)s)
