-- purpose: from here on only the tables' own folders can be read, and no setting can be changed back
-- parameters: {folders} is a list of quoted paths
SET allowed_directories = {folders};
SET enable_external_access = false;
SET lock_configuration = true;
